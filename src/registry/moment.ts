import type { Cluster } from './cluster.js';
import type { RegistryEvent } from './events.js';
import type { Rules } from './rules.js';

/** When, and under which rules. */
export interface Moment {
  /** Milliseconds on the hearing clock. */
  readonly now: number;
  readonly rules: Rules;
  /** Nobody is evicted before this time (R8). */
  readonly graceUntil: number;
}

/** One rule applied: what became of the cluster, and what is to be said of it. */
export interface Step {
  readonly cluster: Cluster;
  readonly events: readonly RegistryEvent[];
}
