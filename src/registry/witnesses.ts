import type { Cluster } from './cluster.js';
import type { WitnessToAsk } from './control.js';
import { hasLease, isHeld, presenceOf } from './lease.js';
import type { Rules } from './rules.js';

/** Who is asked at the same time, at most. */
const WITNESSES = 3;

/**
 * Who could show now that this server reaches anybody: the live members, those first that were heard last. Of a cluster of
 * which no member lives, those that wait (R7).
 */
export function witnessesOf({ members, waiting }: Cluster, rules: Rules, now: number): WitnessToAsk[] {
  const live = [...members.values()]
    .filter((member) => presenceOf(member, rules, now) === 'live')
    .sort((a, b) => Number(hasLease(b)) - Number(hasLease(a)) || b.lease.heardAt - a.lease.heardAt);
  if (live.length > 0) return live.slice(0, WITNESSES).map(({ address }) => ({ address, isMember: true }));
  return [...waiting.values()]
    .filter((one) => isHeld(one, rules, now))
    .slice(0, WITNESSES)
    .map(({ address }) => ({ address, isMember: false }));
}
