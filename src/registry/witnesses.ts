import type { Cluster, Member } from './cluster.js';
import type { WitnessToAsk } from './control.js';
import { hasLease, isHeld, presenceOf } from './lease.js';
import type { Rules } from './rules.js';

/** Most nodes that are asked at the same time. */
const WITNESSES = 3;

/**
 * The nodes that could show now that this server reaches others: live members, first those that live for
 * certain, then by when they were heard. Waiting nodes when no member lives (R7).
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
