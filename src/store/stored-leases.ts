import type { Lease, StoredLease } from '../registry/cluster.js';

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
 * Whether the lease says more than what is stored; a mere renewal only counts when it is more than `patience`
 * milliseconds newer.
 */
export function isDirty(lease: Lease, patience = 0): boolean {
  return lease.changed && (lease.stored === undefined || differs(lease, lease.stored, patience));
}

function differs(lease: Lease, stored: StoredLease, patience: number): boolean {
  return (
    lease.heardAt - stored.heardAt > patience ||
    stored.delivered !== lease.delivered ||
    stored.openAt !== lease.openAt ||
    stored.endedAt !== lease.endedAt ||
    stored.refusedAt !== lease.refusedAt ||
    stored.deliveredAt !== lease.deliveredAt ||
    stored.polls !== lease.polls
  );
}

/** The shared facts of a lease as they are now. */
export function factsOf(lease: Lease): StoredLease {
  const { heardAt, openAt, endedAt, refusedAt, delivered, deliveredAt, polls } = lease;
  return { heardAt, openAt, endedAt, refusedAt, delivered, deliveredAt, polls };
}
