import type { StoredLease } from './cluster.js';

/**
 * How servers merge their observations of a lease. `latest`: the latest time counts. `ever`: a flag stays set
 * once any server has set it. `delivery`: the newer revision counts, with the first time it was sent.
 */
type Merge = 'latest' | 'ever' | 'delivery';

/** Every stored fact of a lease, once. Memory, merging, both stores and their checks follow this table. */
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

/** The names of the facts, in the order of the store's columns. */
export const FACT_NAMES = Object.keys(LEASE_FACTS) as readonly LeaseFact[];

/** Facts of which the larger value is the newer. */
export const LATEST_FACTS = FACT_NAMES.filter((name): name is LatestFact => LEASE_FACTS[name] === 'latest');

/** Facts that are times of the lease clock, in milliseconds. */
export const TIME_FACTS = [...LATEST_FACTS, 'deliveredAt'] as const satisfies readonly LeaseFact[];
