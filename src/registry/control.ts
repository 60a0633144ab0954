import { splitAddress, type Address } from './address.js';
import type { ProbeAnswer } from './cluster.js';

/*
 * A failed probe may show this server's own fault, not the member's death. It counts against the member only
 * when this server reached another node at the same time that is known to live, since it was just heard.
 * Otherwise this server may reach no node at all: because of its firewall, a route, a network card, or a full
 * table.
 */

/** How long before a failed probe its control may have been sent, in milliseconds, to count for it. */
export const TOGETHER_WITHIN_MS = 500;

/** A node whose probe could show that this server reaches others. */
export interface WitnessToAsk {
  readonly address: Address;
  /** True for a listed member, whose Nacos should be listening; a waiting node still boots. */
  readonly isMember: boolean;
  /**
   * False when its poll connection has ended since it was heard: it may have died just then, so its silence
   * would prove nothing.
   */
  readonly isSure: boolean;
}

/** A node that answered this server. */
export interface Witness extends Omit<WitnessToAsk, 'isSure'> {
  readonly answer: 'open' | 'refused';
  /** When its probe was sent, on the lease clock. */
  readonly askedAt: number;
}

/**
 * The result of the control: a witness; no node answered; or there was none to ask that lives for certain.
 */
export type Control = Witness | 'unanswered' | 'nobody';

/**
 * Whether a failed probe counts against its node. A refusal does not when live members refuse too: then the
 * network refuses (a firewall's REJECT). For an address of this machine, the system itself knows who listens.
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
