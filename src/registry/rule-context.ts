import type { Cluster, Member } from './cluster.js';
import type { RaftEvidence } from './evidence.js';
import type { RegistryEvent } from './events.js';
import { graceTime, type Rules } from './rules.js';

/** When, and under which rules. */
export interface RuleContext {
  /** Milliseconds on the lease clock. */
  readonly now: number;
  readonly rules: Rules;
  /** Nobody is evicted before this time (R8). */
  readonly graceUntil: number;
  /**
   * Whether every other server of these lists has the cluster as it is here, and what it heard before that is known
   * here. Default true, without others.
   */
  readonly othersKnow?: boolean;
  /** What Raft was seen to believe; absent when its nodes cannot be read. */
  readonly raft?: RaftEvidence;
}

/** One rule applied: what became of the cluster, and what is to be said of it. */
export interface Transition {
  readonly cluster: Cluster;
  readonly events: readonly RegistryEvent[];
}

/**
 * Whether every server knows that the member is not live, so that none of them answers it without a decision, and has
 * heard nothing of it since (R5).
 */
export function isKnownToAll(member: Member, { othersKnow, now }: RuleContext): boolean {
  // A silence that is seen only now is known nowhere else.
  return othersKnow === undefined || (othersKnow && member.presenceSince < now);
}

/** Since when the server has heard without a break; it cannot know what happened before. Infinity while it does not. */
export function heardSince({ graceUntil, rules }: Pick<RuleContext, 'graceUntil' | 'rules'>): number {
  return graceUntil - graceTime(rules);
}
