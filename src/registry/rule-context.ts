import type { Cluster, Member } from './cluster.js';
import type { RaftEvidence } from './evidence.js';
import type { RegistryEvent } from './events.js';
import { graceTime, type Rules } from './rules.js';

/** The time, the rules and what else a decision depends on. */
export interface RuleContext {
  /** Milliseconds on the lease clock. */
  readonly now: number;
  readonly rules: Rules;
  /** No member is evicted before this time (R8), on the lease clock. */
  readonly graceUntil: number;
  /**
   * Whether every other server of these lists has the cluster as it is here, and this server knows what they
   * heard before that. True by default, without other servers.
   */
  readonly othersKnow?: boolean;
  /** What Raft was seen to believe; absent when its nodes cannot be read. */
  readonly raft?: RaftEvidence;
}

/** The result of one rule: the cluster after it, and the events to record. */
export interface Transition {
  readonly cluster: Cluster;
  readonly events: readonly RegistryEvent[];
}

/**
 * Whether every server knows that the member is not live and has not heard it since (R5). Then none of them
 * answers the member without a decision.
 */
export function isKnownToAll(member: Member, { othersKnow, now }: RuleContext): boolean {
  // No other server can know of a silence that is noticed only now.
  return othersKnow === undefined || (othersKnow && member.presenceSince < now);
}

/**
 * Since when the server has heard without a break; what happened before is unknown to it. Infinity while it
 * cannot hear.
 */
export function heardSince({ graceUntil, rules }: Pick<RuleContext, 'graceUntil' | 'rules'>): number {
  return graceUntil - graceTime(rules);
}
