import type { RegistryService } from './registry-service.js';

/** The server's health as `/readyz` reports it. */
export interface HealthView {
  /**
   * *up*: all is well. *degraded*: the store is out of reach, and the last lists are served (R9).
   * *unavailable*: the server can answer no poll, since it has no list, or since other servers may have
   * changed the lists.
   */
  readonly status: 'up' | 'degraded' | 'unavailable';
  /** The store's error. */
  readonly reason?: string;
  /** How long the store has been out of reach, in milliseconds. */
  readonly sinceMs?: number;
  /**
   * How many servers kept these lists at the last contact, this one included; absent for a store of its own.
   */
  readonly servers?: number;
  /** How many clusters are not served since their stored data cannot be their state; absent without any. */
  readonly damaged?: number;
  /** Milliseconds for which no member is evicted yet (R8). */
  readonly graceMs: number;
}

/**
 * The server's health. It is ready while it has a list to serve, with or without the store (R9). It can
 * answer nothing with neither store nor list, or once it was cut off for so long that other servers may have
 * changed the lists.
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
