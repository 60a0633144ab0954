import { splitAddress, type Address } from './address.js';
import type { ProbeAnswer } from './cluster.js';

/*
 * Our own incapacity is no sign of another's death. A port that does not answer says something of its node only when this
 * server, at that same time, reached somebody else of whom it is known that they live: it was just heard. Otherwise it may
 * be this server that reaches nobody: a firewall of its own, a route, a network card, a full table.
 */

/** How long before a probe that failed its control may have been sent off: they go together. */
export const TOGETHER_WITHIN_MS = 500;

/** Who is to be asked. */
export interface WitnessToAsk {
  readonly address: Address;
  /** Listed, so that its Nacos listens, as far as that is known; one that waits is still booting. */
  readonly isMember: boolean;
  /** False when its poll connection has ended since it was heard: it may have died just then, and its silence is no wonder. */
  readonly isSure: boolean;
}

/** Somebody answered this server. */
export interface Witness extends Omit<WitnessToAsk, 'isSure'> {
  readonly answer: 'open' | 'refused';
  /** When its probe was sent off, on the lease clock. */
  readonly askedAt: number;
}

/** What came of the control: a witness, or nobody answered, or there was nobody to ask who lives for certain. */
export type Control = Witness | 'unanswered' | 'nobody';

/**
 * Whether a probe that failed says something of its node. A refusal does not when live members refuse, too: then it is the
 * way there that refuses (a firewall's REJECT). Of this machine itself its own system knows for certain who listens.
 */
export function isVouched(
  { address, answer, askedAt }: { address: Address; answer: ProbeAnswer; askedAt: number },
  control: Control,
): boolean {
  if (answer === 'refused' && isThisMachine(address)) return true;
  if (typeof control === 'string' || control.address === address) return false;
  if (control.askedAt < askedAt - TOGETHER_WITHIN_MS) return false;
  return answer === 'unreachable' || control.answer === 'open' || !control.isMember;
}

function isThisMachine(address: Address): boolean {
  const { host } = splitAddress(address);
  return /^127\.\d+\.\d+\.\d+$/.test(host) || host === '::1';
}
