import type { Address } from './address.js';
import type { Member } from './cluster.js';
import { EVIDENCE_FRESH } from './rules.js';

/**
 * What Raft itself was seen to believe, where the Nacos nodes can be read (doctor/examiner.ts). The rules use it when it
 * is there and fall back to timing when it is not.
 */
export interface RaftEvidence {
  /** When the nodes were asked, on the hearing clock: what is told is not older. */
  readonly readAt: number;
  /** Groups that nobody can lead now: a removal would be lost in them (injury 4). */
  readonly leaderless: readonly string[];
  /**
   * Of members that were read, the groups of which each is no voter that follows the leader; none of them for one that
   * is a voter everywhere. Only when all groups could be judged.
   */
  readonly lacking: ReadonlyMap<Address, readonly string[]>;
  /** Every voter's main address, listed or not, with its groups; undefined when a group could not be judged. */
  readonly voters: ReadonlyMap<Address, readonly string[]> | undefined;
}

interface Known {
  readonly now: number;
  readonly raft?: RaftEvidence;
}

function fresh({ now, raft }: Known): RaftEvidence | undefined {
  return raft && now - raft.readAt <= EVIDENCE_FRESH ? raft : undefined;
}

/** The groups that are known to have no leader. */
export function leaderless(moment: Known): readonly string[] {
  return fresh(moment)?.leaderless ?? [];
}

/** Whether every group was seen to have a leader, later than at a time. */
export function hasLeaders(moment: Known, since: number): boolean {
  const evidence = fresh(moment);
  return evidence?.voters !== undefined && evidence.readAt > since;
}

/** The groups that a member is known not to be a voter of, none for a voter; undefined when nothing is known of it. */
export function lackingGroups(member: Member, moment: Known): readonly string[] | undefined {
  const evidence = fresh(moment);
  // What was seen before it joined is of an earlier life of its address.
  return evidence && evidence.readAt > member.joinedAt ? evidence.lacking.get(member.address) : undefined;
}

/**
 * The groups in which an address that left at a time is a voter still, none when Raft has let go of it; undefined when
 * nothing later than that is known.
 */
export function votesAfter(address: Address, leftAt: number, moment: Known): readonly string[] | undefined {
  const evidence = fresh(moment);
  if (!evidence?.voters || evidence.readAt <= leftAt) return undefined;
  return evidence.voters.get(address) ?? [];
}
