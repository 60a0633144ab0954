import type { StoredLease } from './cluster.js';

/**
 * How servers merge what each of them observed of a lease: the `latest` time counts, a flag that was `ever` set stays
 * set, and of the `delivery` pair the newer revision counts, with the first time it was sent.
 */
type Merge = 'latest' | 'ever' | 'delivery';

/** Every stored fact of a lease, once: memory, merging, both stores and their checks go by this table. */
const LEASE_FACTS = {
  heardAt: 'latest',
  openAt: 'latest',
  endedAt: 'latest',
  refusedAt: 'latest',
  delivered: 'delivery',
  deliveredAt: 'delivery',
  polls: 'ever',
} as const satisfies Record<keyof StoredLease, Merge>;

type Facts = typeof LEASE_FACTS;
type LatestFact = { [K in keyof Facts]: Facts[K] extends 'latest' ? K : never }[keyof Facts];
export type LeaseFact = keyof Facts;

/** Their names, in the order of the store's columns. */
export const FACT_NAMES = Object.keys(LEASE_FACTS) as readonly LeaseFact[];

/** Facts of which the larger value is the newer. */
export const LATEST_FACTS = FACT_NAMES.filter((name): name is LatestFact => LEASE_FACTS[name] === 'latest');

/** Facts that are times of the lease clock, in milliseconds. */
export const TIME_FACTS = [...LATEST_FACTS, 'deliveredAt'] as const satisfies readonly LeaseFact[];
