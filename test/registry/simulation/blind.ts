import fc from 'fast-check';
import type { Address } from '../../../src/registry/address.js';
import type { Cluster, ProbeAnswer } from '../../../src/registry/cluster.js';
import { isVouched, type Control } from '../../../src/registry/control.js';
import { witnessesOf } from '../../../src/registry/witnesses.js';
import type { History } from './actions.js';
import { RULES } from './server.js';

/**
 * What a server lacks while it takes itself for well: its own clock runs, its database answers, and it hears those that
 * it hears.
 */
export type Lack =
  /** What its probes send is lost on its own side: a firewall, a route, a network card. */
  | 'drops'
  /** A firewall of its own refuses in everybody's name. */
  | 'refuses'
  /** It cannot even try: names, descriptors, memory. */
  | 'cannot-try'
  /** Nobody's poll reaches it. */
  | 'deaf'
  /** Both: nothing comes in, and nothing goes out. */
  | 'deaf-and-drops';

/** Which server lacks what, and when, in milliseconds from the start of a history. */
export interface Blind {
  readonly who: number;
  readonly from: number;
  readonly lasts: number;
  readonly lack: Lack;
}

/** What comes back of a probe at a server that may lack something. */
export function answerAt(lack: Lack | undefined, ask: () => ProbeAnswer): ProbeAnswer | 'unknown' {
  if (lack === 'drops' || lack === 'deaf-and-drops') return 'unreachable';
  if (lack === 'refuses') return 'refused';
  return lack === 'cannot-try' ? 'unknown' : ask();
}

export function isDeaf(lack: Lack | undefined): boolean {
  return lack === 'deaf' || lack === 'deaf-and-drops';
}

/** The control that goes with a failed probe, as prober.ts makes it, but that it takes no time. */
export function controlAt(
  cluster: Cluster,
  { address, answer, now }: { address: Address; answer: ProbeAnswer; now: number },
  ask: (address: Address) => ProbeAnswer | 'unknown',
): Control {
  const others = witnessesOf(cluster, RULES, now).filter((one) => one.address !== address);
  for (const one of others) {
    const said = ask(one.address);
    if (said !== 'open' && said !== 'refused') continue;
    const witness = { address: one.address, isMember: one.isMember, answer: said, askedAt: now };
    if (isVouched({ address, answer, askedAt: now }, witness)) return witness;
  }
  return others.some(({ isSure }) => isSure) ? 'unanswered' : 'nobody';
}

const S = 1_000;

const blind: fc.Arbitrary<Blind> = fc.record({
  who: fc.nat(2),
  from: fc.integer({ min: 0, max: 400 * S }),
  lasts: fc.integer({ min: S, max: 200 * S }),
  lack: fc.constantFrom<Lack>('drops', 'refuses', 'cannot-try', 'deaf', 'deaf-and-drops'),
});

/** The same histories with servers that lack something now and then. */
export function withBlindServers(histories: fc.Arbitrary<History>): fc.Arbitrary<History> {
  return fc
    .tuple(histories, fc.array(blind, { minLength: 1, maxLength: 4 }))
    .map(([history, blinds]) => ({ ...history, setup: { ...history.setup, blinds } }));
}
