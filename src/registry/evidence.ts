import type { Address } from './address.js';
import type { Member } from './cluster.js';
import { EVIDENCE_FRESH } from './rules.js';

/**
 * What Raft itself was seen to believe, where the Nacos nodes can be read (doctor/examiner.ts). The rules use it when it
 * is there and fall back to timing when it is not.
 */
export interface RaftEvidence {
  /** When the nodes were asked, on the lease clock: what is told is not older. */
  readonly readAt: number;
  /** Groups that nobody can lead now: a removal would be lost in them (injury 4). */
  readonly leaderless: readonly string[];
  /** Of all groups together; undefined when one of them could not be judged, which may be the one that matters. */
  readonly whole:
    | {
        readonly groups: readonly string[];
        /** Every voter's main address, listed or not, with its groups, as their leaders have it. */
        readonly voters: ReadonlyMap<Address, readonly string[]>;
        /** Those that were seen to follow the leader in every group. */
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

/** What is known of all groups, and was seen later than a time. */
function wholeSince(since: number, moment: Known): RaftEvidence['whole'] {
  const evidence = fresh(moment);
  return evidence && evidence.readAt > since ? evidence.whole : undefined;
}

/** The groups that are known to have no leader. */
export function leaderless(moment: Known): readonly string[] {
  return fresh(moment)?.leaderless ?? [];
}

/** Whether every group was seen to have a leader, later than at a time. */
export function hasLeaders(moment: Known, since: number): boolean {
  return wholeSince(since, moment) !== undefined;
}

/**
 * The groups that a member is seen not to be a voter of; none when nothing is known. What was seen before it joined is of
 * an earlier life of its address.
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

/** Whether a member was seen, later than at a time, to be a voter of no group, each of which has a leader. */
export function isSeenOutside(address: Address, since: number, moment: Known): boolean {
  return votesAfter(address, since, moment)?.length === 0;
}

/** Whether a member was seen to be a voter of every group, and to follow the leaders. */
export function isSeenToVote(member: Member, moment: Known): boolean {
  const whole = wholeSince(member.joinedAt, moment);
  return (whole?.followers.has(member.address) ?? false) && lackingGroups(member, moment).length === 0;
}

/**
 * The groups in which an address is a voter, or may be one since they have no leader now; undefined when nothing later than
 * a time is known of that.
 */
export function votesAfter(address: Address, since: number, moment: Known): readonly string[] | undefined {
  const evidence = fresh(moment);
  if (evidence && evidence.readAt > since && evidence.leaderless.length > 0) return evidence.leaderless;
  const whole = wholeSince(since, moment);
  return whole && (whole.voters.get(address) ?? []);
}
