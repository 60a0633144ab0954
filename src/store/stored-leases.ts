import type { Lease, StoredLease } from '../registry/cluster.js';

/*
 * Tracks which leases differ from what is stored and must be written. The mark is on the lease itself: with
 * thousands of members a table beside them was the garbage collector's largest burden, and comparing every
 * fact of every lease each second was the longest pause.
 */

/** Records the facts of a lease that were read from or written to the store. */
export function noteStored(lease: Lease, facts: StoredLease): void {
  lease.stored = facts;
  if (lease.changed) lease.changed = differs(lease, facts, 0);
}

/** Marks a lease whose stored facts are no longer known. */
export function noteLost(lease: Lease): void {
  lease.stored = undefined;
  lease.changed = true;
}

/**
 * Whether a lease must be written. A mere renewal counts only if it is more than `slackMs` newer than what is
 * stored.
 */
export function isDirty(lease: Lease, slackMs = 0): boolean {
  return lease.changed && (lease.stored === undefined || differs(lease, lease.stored, slackMs));
}

// Spelt out: every lease that changed comes by each second, and a loop over FACT_NAMES takes five times as long. A test holds
// it to that table.
function differs(lease: Lease, stored: StoredLease, slackMs: number): boolean {
  return (
    lease.heardAt - stored.heardAt > slackMs ||
    stored.delivered !== lease.delivered ||
    stored.openAt !== lease.openAt ||
    stored.endedAt !== lease.endedAt ||
    stored.refusedAt !== lease.refusedAt ||
    stored.deliveredAt !== lease.deliveredAt ||
    stored.polls !== lease.polls
  );
}

/** A copy of the facts of a lease that servers share. */
export function factsOf(lease: Lease): StoredLease {
  const { heardAt, openAt, endedAt, refusedAt, delivered, deliveredAt, polls } = lease;
  return { heardAt, openAt, endedAt, refusedAt, delivered, deliveredAt, polls };
}
