import type { Lease, StoredLease } from '../registry/cluster.js';

/*
 * Which leases say more than what is stored of them, and so must be written. The note is on the lease itself: with
 * thousands of members a table beside them was the garbage collector's largest burden.
 */

/** These facts were read or written. */
export function noteStored(lease: Lease, facts: StoredLease): void {
  lease.stored = facts;
}

/** Whether the lease says more than what is stored. */
export function isDirty(lease: Lease): boolean {
  return lease.stored?.heardAt !== lease.heardAt || isDue(lease, 0);
}

/** The same, but a mere renewal only counts when it is more than `patience` milliseconds newer than what is stored. */
export function isDue(lease: Lease, patience: number): boolean {
  const { stored } = lease;
  if (stored === undefined || lease.heardAt - stored.heardAt > patience) return true;
  return (
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
