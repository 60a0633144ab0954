import type { RegistryService } from './registry-service.js';

/** How the server is, as `/readyz` says it. */
export interface HealthView {
  /**
   * *up*: all is well. *degraded*: the store is out of reach, and the last lists are served (R9). *unavailable*: nothing
   * can be answered, since there is no list, or other servers may have changed it.
   */
  readonly status: 'up' | 'degraded' | 'unavailable';
  /** The store's error. */
  readonly reason?: string;
  /** For how long the store has been out of reach, in milliseconds. */
  readonly sinceMs?: number;
  /** How many servers keep these lists, this one included, at the last contact; absent for a store of its own. */
  readonly servers?: number;
  /** How many clusters are not served since what is stored of them cannot be their state; absent without any. */
  readonly damaged?: number;
  /** Milliseconds for which nobody is evicted yet (R8). */
  readonly graceMs: number;
}

/**
 * Ready while there is a list to serve, with or without the store (R9); without the store and without a list there is
 * nothing that this server could answer, nor when it has been cut off for so long that other servers may have changed
 * the lists.
 */
export function healthView(service: RegistryService): HealthView {
  const { outage, hasList, isCurrent, servers, grace, damaged } = service.health();
  return {
    status: outage ? (hasList && isCurrent ? 'degraded' : 'unavailable') : 'up',
    ...(outage ? { reason: outage.reason, sinceMs: service.now - outage.since } : {}),
    ...(servers === undefined ? {} : { servers }),
    ...(damaged === 0 ? {} : { damaged }),
    graceMs: grace,
  };
}
