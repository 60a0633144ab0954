import type { ProbeAnswer } from '../registry/cluster.js';
import type { EventType } from '../registry/events.js';

/** What a store is asked for, as registry/interfaces.ts names it. */
export const STORE_OPERATIONS = ['open', 'transact', 'sync', 'events'] as const;
export type StoreOperation = (typeof STORE_OPERATIONS)[number];

/** How it failed: it is out of reach; others held on to the cluster; anything else. */
export const STORE_FAILURES = ['unavailable', 'busy', 'other'] as const;
export type StoreFailure = (typeof STORE_FAILURES)[number];

/**
 * Is told what the running registry does, while it does it. Nothing depends on it, so it must be quick and must not
 * throw. All times are milliseconds.
 */
export interface RuntimeObserver {
  /** A change was decided by this server, and is stored. */
  decided(event: EventType): void;
  /** A member's port was probed, or could not be. */
  probed(answer: ProbeAnswer | 'unknown'): void;
  /** The store has answered, or failed. */
  asked(operation: StoreOperation, ms: number, failure?: StoreFailure): void;
  /** An exchange with the store is done. */
  exchanged(writtenLeases: number): void;
}

export const UNOBSERVED: RuntimeObserver = {
  decided: () => undefined,
  probed: () => undefined,
  asked: () => undefined,
  exchanged: () => undefined,
};
