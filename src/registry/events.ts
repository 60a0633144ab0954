import type { Address } from './address.js';
import type { Cluster, ClusterKey } from './cluster.js';

/** What happened to a cluster, in the words of logs, API and metrics. */
export const EVENT_TYPES = [
  /** When a cluster got its first list of an epoch (R1). */
  'bootstrapped',
  /** When a new address began to wait at the gate (R3). */
  'waiting',
  /** When an address came onto the list, through the gate or by an operator's put. */
  'admitted',
  /** When a member left by its own or an operator's request (R4). */
  'left',
  /** When a member's agent reported that its Nacos does not answer; its lease is not renewed meanwhile. */
  'unhealthy',
  /** When a member's port refused a probe (R10). */
  'down',
  /** When a member's lease ran out. */
  'silent',
  /** When a silent or down member was heard again. */
  'returned',
  /** When an operator's adopt gave a static member that is heard a lease; the list stays as it is. */
  'adopted',
  /** When an unreachable member was taken off the list (R5). */
  'evicted',
  /**
   * When an unreachable member was taken off the list because its replacement, of the same id, had settled
   * (R5).
   */
  'replaced',
  /** When a majority was lost and the list was kept as it is (R6). */
  'quorum-lost',
  /** When a majority of the list was live again after that, without an operator. */
  'quorum-regained',
  /** When waiting nodes bootstrapped a cluster again of which nothing was left (R7). */
  'rebootstrapped',
  /** When a node had a list that the database does not know: only an operator may bootstrap then (R1). */
  'set-back',
  /** When an operator decided the list after a lost majority (R7). */
  'recovered',
  /** When a cluster without living nodes was deleted by an operator, or forgotten. */
  'deleted',
  /** When a repair of Raft began, with its plan. */
  'repairing',
  /** When one of its steps was done and verified. */
  'repair-step',
  /** When it was done, and Raft has the list's voters. */
  'repaired',
  /** When it stopped before that, and why. */
  'repair-stopped',
  /**
   * When a caller that named the cluster was refused: which, and why. The list stays as it is. Not every
   * refusal becomes an event.
   */
  'refused',
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

/** Names of events before the first release, which a database of that time still has. */
const RENAMED: Readonly<Record<string, EventType>> = {
  founded: 'bootstrapped',
  refounded: 'rebootstrapped',
  preserved: 'quorum-lost',
  ailing: 'unhealthy',
  released: 'adopted',
};

/** The type of a stored event, by its present name. */
export function eventTypeOf(stored: string): EventType {
  return RENAMED[stored] ?? (stored as EventType);
}

/** One change, as `decide` reports it; the store adds its number and the wall clock's time. */
export interface RegistryEvent extends ClusterKey {
  readonly type: EventType;
  /** The address that it is about; absent when it is about the whole cluster. */
  readonly address?: Address;
  /** The list's revision after the change. */
  readonly revision: number;
  /** A sentence for people. */
  readonly reason: string;
}

/** A stored event. */
export interface RecordedEvent extends RegistryEvent {
  /** Rises across all clusters of a store; gaps are possible. */
  readonly seq: number;
  /** Milliseconds since 1970, wall clock. */
  readonly time: number;
}

export function eventOf(cluster: Cluster, type: EventType, reason: string, address?: Address): RegistryEvent {
  const { product, name, revision } = cluster;
  return { type, product, name, revision, reason, ...(address === undefined ? {} : { address }) };
}
