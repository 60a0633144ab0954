import type { Address } from '../registry/address.js';

/** One Nacos node's own view. */
export interface NodeView extends AskedInWhole {
  /** The listed address. */
  readonly address: Address;
  /** The node's own name if it differs from the listed one. To Nacos and its Raft that is another member. */
  readonly otherName?: string | undefined;
  /** Such as `2.5.1`; undefined if the node does not say, as a polling 1.4.2 does most of the time. */
  readonly version: string | undefined;
  /** The context path of its API if that is not `/nacos`; without a final slash. */
  readonly contextPath?: string | undefined;
  /** Members on the node's own list, itself included, in the node's spelling. */
  readonly members: readonly string[];
  /** The node's copy of each Raft group that has ever met a leader, as far as its API shows it. */
  readonly groups: ReadonlyMap<string, GroupCopy>;
  /**
   * How far its clock is ahead of this machine's, in milliseconds, accurate to about a second; undefined if
   * unknown.
   */
  readonly clockAhead?: number | undefined;
  /** Set if the whole answer is too large to read, so `members` are those that the node considers up. */
  readonly isLarge?: boolean | undefined;
}

/**
 * When the whole answer was last requested, in milliseconds on the examiner's clock; undefined without such a
 * clock.
 */
interface AskedInWhole {
  readonly wholeAt?: number | undefined;
}

/** One node's copy of a Raft group. It may be stale: trust only the leader's at the highest term. */
export interface GroupCopy {
  /** `host:raftPort`. Nacos never clears it when a leader is lost (2.5.1). */
  readonly leader: string | undefined;
  readonly term: number;
  readonly voters: readonly string[];
}

/** A node that cannot be read. `reason` ends a sentence. */
export interface Unreadable extends AskedInWhole {
  readonly address: Address;
  readonly reason: string;
  /** Set if this server could not send the request: its own trouble, and no sign of the node's. */
  readonly isOurs?: boolean;
  /** Set if the node's answer was too large. */
  readonly isTooLarge?: boolean;
}

export type Reading = NodeView | Unreadable;

/** The node's own name, which is its name in Raft. */
export function ownName({ address, otherName }: NodeView): string {
  return otherName ?? address;
}

export function isRead(reading: Reading): reading is NodeView {
  return 'members' in reading;
}

/**
 * Whether a node shows every Raft group that has a leader: from 2.0 on. At each poll a 1.4.2 forgets what it
 * has published about itself, its version included, so most of the time it shows no group (seen).
 */
export function showsLedGroups({ version }: NodeView): boolean {
  return version !== undefined && !/^[01]\./.test(version);
}

/** Whether a node knows `resetPeers`: 1.4.2 (seen) and 2.0.3 (source) do not. */
export function canReset({ version }: Pick<NodeView, 'version'>): boolean {
  return version === undefined || !/^([01]\.|2\.0\.[0-3]\b)/.test(version);
}
