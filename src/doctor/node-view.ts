import type { Address } from '../registry/address.js';

/** What one Nacos node itself believes. */
export interface NodeView extends AskedInWhole {
  /** As it is listed. */
  readonly address: Address;
  /** What it calls itself, if that is another name than the listed one; to Nacos and its Raft that is another member. */
  readonly otherName?: string | undefined;
  /** Such as `2.5.1`; undefined when it does not say, as a 1.4.2 that polls at most times. */
  readonly version: string | undefined;
  /** Where its API was found, if not below `/nacos`: a path without a final slash. */
  readonly contextPath?: string | undefined;
  /** The members that it believes in, itself included, as it spells them. */
  readonly members: readonly string[];
  /** Its copy of each Raft group that has ever met a leader, as far as its API shows them. */
  readonly groups: ReadonlyMap<string, GroupCopy>;
  /** How far its clock is ahead of this machine's, in milliseconds, to a second or so; undefined when it does not say. */
  readonly clockAhead?: number | undefined;
  /** Whether its whole answer is too large to be read, so that `members` are those that it sees up. */
  readonly isLarge?: boolean | undefined;
}

/** When a node was last asked for its whole answer, in milliseconds of the examiner's clock; undefined without such a clock. */
interface AskedInWhole {
  readonly wholeAt?: number | undefined;
}

/** One node's copy of a Raft group. It may be stale: only that of the leader at the highest term is to be trusted. */
export interface GroupCopy {
  /** `host:raftPort`; it is never cleared when a leader is lost (2.5.1). */
  readonly leader: string | undefined;
  readonly term: number;
  readonly voters: readonly string[];
}

/** A node that cannot be read, and why: a sentence's end. */
export interface Unreadable extends AskedInWhole {
  readonly address: Address;
  readonly reason: string;
  /** Whether this server could not even ask: its own trouble, of which the node knows nothing. */
  readonly isOurs?: boolean;
  /** Whether it answers, and with more than is read. */
  readonly isTooLarge?: boolean;
}

export type Reading = NodeView | Unreadable;

/** What it calls itself, by which it goes in Raft. */
export function ownName({ address, otherName }: NodeView): string {
  return otherName ?? address;
}

export function isRead(reading: Reading): reading is NodeView {
  return 'members' in reading;
}

/**
 * Whether it shows a Raft group as soon as that has a leader: from 2.0 on. A 1.4.2 that polls forgets at each poll what it
 * has told of itself, its version included, and shows none at most times (seen).
 */
export function showsLedGroups({ version }: NodeView): boolean {
  return version !== undefined && !/^[01]\./.test(version);
}

/** Whether it knows `resetPeers`: not 1.4.2 (seen) and 2.0.3 (read). */
export function canReset({ version }: Pick<NodeView, 'version'>): boolean {
  return version === undefined || !/^([01]\.|2\.0\.[0-3]\b)/.test(version);
}
