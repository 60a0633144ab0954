import type { Cluster, Member } from './cluster.js';
import type { WitnessToAsk } from './control.js';
import { hasLease, isHeld, presenceOf } from './lease.js';
import type { Rules } from './rules.js';

/** Who is asked at the same time, at most. */
const WITNESSES = 3;

/**
 * Who could show now that this server reaches anybody: the live members, those first that live for certain and were heard
 * last. Of a cluster of which no member lives, those that wait (R7).
 */
export function witnessesOf({ members, waiting }: Cluster, rules: Rules, now: number): WitnessToAsk[] {
  const live = [...members.values()]
    .filter((member) => presenceOf(member, rules, now) === 'live')
    .map((member) => ({ member, isSure: isSurelyAlive(member) }))
    .sort((a, b) => Number(b.isSure) - Number(a.isSure) || b.member.lease.heardAt - a.member.lease.heardAt)
    .slice(0, WITNESSES);
  if (live.length > 0) {
    return live.map(({ member: { address }, isSure }) => ({ address, isMember: true, isSure }));
  }
  return [...waiting.values()]
    .filter((one) => isHeld(one, rules, now))
    .slice(0, WITNESSES)
    .map(({ address }) => ({ address, isMember: false, isSure: true }));
}

/** Whether a live member has been heard since its last poll connection ended; see WitnessToAsk. */
export function isSurelyAlive(member: Member): boolean {
  return hasLease(member) && member.lease.endedAt < member.lease.heardAt;
}
