import type { ProbeAnswer } from '../registry/cluster.js';
import type { EventType } from '../registry/events.js';

/** The operations of a store, as registry/interfaces.ts names them. */
export const STORE_OPERATIONS = ['open', 'transact', 'sync', 'events'] as const;
export type StoreOperation = (typeof STORE_OPERATIONS)[number];

/** How an operation failed: the store is out of reach; other servers kept the cluster busy; anything else. */
export const STORE_FAILURES = ['unavailable', 'busy', 'other'] as const;
export type StoreFailure = (typeof STORE_FAILURES)[number];

/**
 * Notified of what the running registry does, while it does so. Nothing depends on an observer, so it must be
 * quick and must not throw. All times are milliseconds.
 */
export interface RuntimeObserver {
  /** This server decided a change, and it is stored. */
  decided(event: EventType): void;
  /** A member's port was probed, or could not be. */
  probed(answer: ProbeAnswer | 'unknown'): void;
  /** The store has answered or failed, after `ms` milliseconds. */
  asked(operation: StoreOperation, ms: number, failure?: StoreFailure): void;
  /** A sync with the store is done. */
  exchanged(writtenLeases: number): void;
}

export const UNOBSERVED: RuntimeObserver = {
  decided: () => undefined,
  probed: () => undefined,
  asked: () => undefined,
  exchanged: () => undefined,
};
