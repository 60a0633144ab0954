import type { Cluster, Member } from './cluster.js';
import type { RegistryEvent } from './events.js';
import type { Rules } from './rules.js';

/** When, and under which rules. */
export interface Moment {
  /** Milliseconds on the hearing clock. */
  readonly now: number;
  readonly rules: Rules;
  /** Nobody is evicted before this time (R8). */
  readonly graceUntil: number;
  /**
   * What any other server of these lists heard until this time is known here, and since then none of them has answered
   * a member that it knows to be silent without a decision; `-Infinity` when one of them cannot say. `Infinity`, the
   * default, without others.
   */
  readonly heardUpTo?: number;
}

/** One rule applied: what became of the cluster, and what is to be said of it. */
export interface Step {
  readonly cluster: Cluster;
  readonly events: readonly RegistryEvent[];
}

/** Whether every server knows that the member is not live, and has heard nothing of it since (R5). */
export function isKnownToAll(member: Member, { heardUpTo = Infinity }: Moment): boolean {
  return member.presence !== 'live' && member.presenceSince < heardUpTo;
}
