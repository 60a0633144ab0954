import type { Lease, StoredLease } from '../registry/cluster.js';
import { FACT_NAMES } from '../registry/lease-facts.js';

/*
 * Which leases say more than what is stored of them, and so must be written. The note is on the lease itself: with
 * thousands of members a table beside them was the garbage collector's largest burden, and looking at every fact of
 * every lease each second the longest pause.
 */

/** These facts were read or written. */
export function noteStored(lease: Lease, facts: StoredLease): void {
  lease.stored = facts;
  if (lease.changed) lease.changed = differs(lease, facts, 0);
}

/** Nothing is known of what is stored any more. */
export function noteLost(lease: Lease): void {
  lease.stored = undefined;
  lease.changed = true;
}

/**
 * Whether the lease says more than what is stored; a mere renewal only counts when it is more than `slackMs` newer.
 */
export function isDirty(lease: Lease, slackMs = 0): boolean {
  return lease.changed && (lease.stored === undefined || differs(lease, lease.stored, slackMs));
}

function differs(lease: Lease, stored: StoredLease, slackMs: number): boolean {
  if (lease.heardAt - stored.heardAt > slackMs) return true;
  return FACT_NAMES.some((fact) => fact !== 'heardAt' && stored[fact] !== lease[fact]);
}

/** The shared facts of a lease as they are now. */
export function factsOf(lease: Lease): StoredLease {
  const { heardAt, openAt, endedAt, refusedAt, delivered, deliveredAt, polls } = lease;
  return { heardAt, openAt, endedAt, refusedAt, delivered, deliveredAt, polls };
}
