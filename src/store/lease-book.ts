import type { Lease, StoredLease } from '../registry/cluster.js';

/** Knows what is stored of each lease, and so which ones must be written. */
export class LeaseBook {
  readonly #stored = new WeakMap<Lease, StoredLease>();

  /** These facts were read or written. */
  isStored(lease: Lease, facts: StoredLease): void {
    this.#stored.set(lease, facts);
  }

  /** Whether the lease says more than what is stored. */
  isDirty(lease: Lease): boolean {
    return this.isDue(lease, 0) || this.#stored.get(lease)?.heardAt !== lease.heardAt;
  }

  /** The same, but a mere renewal only counts when it is more than `patience` milliseconds newer than what is stored. */
  isDue(lease: Lease, patience: number): boolean {
    const stored = this.#stored.get(lease);
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
}

/** The shared facts of a lease as they are now. */
export function factsOf(lease: Lease): StoredLease {
  const { heardAt, openAt, endedAt, refusedAt, delivered, deliveredAt, polls } = lease;
  return { heardAt, openAt, endedAt, refusedAt, delivered, deliveredAt, polls };
}
