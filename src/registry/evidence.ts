import type { Address } from './address.js';
import type { Member } from './cluster.js';
import { EVIDENCE_FRESH } from './rules.js';

/**
 * What Raft itself was seen to believe, where the Nacos nodes can be read (doctor/examiner.ts). The rules use
 * it when it exists and fall back to timing otherwise.
 */
export interface RaftEvidence {
  /** When the nodes were asked, on the lease clock: the reading is not older. */
  readonly readAt: number;
  /** Groups that no node can lead now: a removal would be lost in them (injury 4). */
  readonly leaderless: readonly string[];
  /**
   * The reading of all groups together; undefined when one could not be judged, since that may be the one
   * that matters.
   */
  readonly whole:
    | {
        readonly groups: readonly string[];
        /** Every voter's main address, listed or not, with its groups, as reported by their leaders. */
        readonly voters: ReadonlyMap<Address, readonly string[]>;
        /** Members that were seen to follow the leader in every group. */
        readonly followers: ReadonlySet<Address>;
      }
    | undefined;
}

interface Known {
  readonly now: number;
  readonly raft?: RaftEvidence;
}

function fresh({ now, raft }: Known): RaftEvidence | undefined {
  return raft && now - raft.readAt <= EVIDENCE_FRESH ? raft : undefined;
}

/** The reading of all groups, if it is complete and later than `since`. */
function wholeSince(since: number, moment: Known): RaftEvidence['whole'] {
  const evidence = fresh(moment);
  return evidence && evidence.readAt > since ? evidence.whole : undefined;
}

/** The groups that are known to have no leader. */
export function leaderless(moment: Known): readonly string[] {
  return fresh(moment)?.leaderless ?? [];
}

/** Whether every group was seen to have a leader, in a reading later than `since`. */
export function hasLeaders(moment: Known, since: number): boolean {
  return wholeSince(since, moment) !== undefined;
}

/**
 * The groups of which a member is seen not to be a voter; empty when nothing is known. Ignores readings from
 * before it joined, which describe a previous node at that address.
 */
export function lackingGroups({ address, joinedAt }: Member, moment: Known): readonly string[] {
  const whole = wholeSince(joinedAt, moment);
  const has = whole?.voters.get(address) ?? [];
  return whole?.groups.filter((group) => !has.includes(group)) ?? [];
}

/** Whether a member was seen to be a voter of any group. */
export function isSeenAsVoter({ address, joinedAt }: Member, moment: Known): boolean {
  return (wholeSince(joinedAt, moment)?.voters.get(address)?.length ?? 0) > 0;
}

/**
 * Whether a reading later than `since` shows the member as a voter of no group, while each group has a
 * leader.
 */
export function isSeenOutside(address: Address, since: number, moment: Known): boolean {
  return votesAfter(address, since, moment)?.length === 0;
}

/** Whether a member was seen to be a voter of every group, and to follow the leaders. */
export function isSeenToVote(member: Member, moment: Known): boolean {
  const whole = wholeSince(member.joinedAt, moment);
  return (whole?.followers.has(member.address) ?? false) && lackingGroups(member, moment).length === 0;
}

/**
 * The groups in which an address is a voter, or may be one since they have no leader now; undefined without a
 * reading later than `since`.
 */
export function votesAfter(address: Address, since: number, moment: Known): readonly string[] | undefined {
  const evidence = fresh(moment);
  if (evidence && evidence.readAt > since && evidence.leaderless.length > 0) return evidence.leaderless;
  const whole = wholeSince(since, moment);
  return whole && (whole.voters.get(address) ?? []);
}
