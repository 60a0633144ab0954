import type { Logger } from 'pino';
import type { Address } from '../registry/address.js';
import { keyOf, type Member, type ProbeAnswer } from '../registry/cluster.js';
import type { Control, Witness, WitnessToAsk } from '../registry/control.js';
import { missProbe, observeProbe, wantsProbe } from '../registry/lease.js';
import type { Probe, Unknown } from '../registry/interfaces.js';
import type { Rules } from '../registry/rules.js';
import { isSurelyAlive, witnessesOf } from '../registry/witnesses.js';
import type { ServedCluster } from './served-cluster.js';
import type { RuntimeObserver } from './observer.js';

/** Most probes under way at once, in all and for one cluster: hanging names or hosts must not use up all. */
const MAX_PROBES = 150;
const MAX_OF_CLUSTER = 50;

/** How long one control serves every probe of its cluster; shorter than control.ts allows. */
const SHARED_FOR_MS = 250;

/** Why a member stays listed when no other port answers either. */
const UNANSWERED =
  'its port does not answer, and neither does that of any live member: this server may reach nobody';

export interface ProberOptions {
  readonly probe: Probe;
  readonly rules: Rules;
  readonly log: Logger;
  readonly observer: RuntimeObserver;
  /** The lease clock. */
  readonly now: () => number;
}

interface Asked extends WitnessToAsk {
  readonly askedAt: number;
  readonly answer: Promise<ProbeAnswer | Unknown>;
}

/** Probes members' ports, each together with ports of members that live for certain (registry/control.ts). */
export class Prober {
  readonly #options: ProberOptions;
  readonly #probing = new Map<ServedCluster, Set<Address>>();
  readonly #controls = new WeakMap<ServedCluster, readonly Asked[]>();
  /** Members that cannot be judged now, by cluster. */
  readonly #untold = new WeakMap<ServedCluster, Set<Address>>();
  #underWay = 0;
  #turn = 0;

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** Whether any probe is under way. */
  get isBusy(): boolean {
    return this.#underWay > 0;
  }

  /**
   * The members to probe now, as many as there is room for: clusters take turns, and in each the member
   * probed longest ago comes first. So no cluster keeps another's members from being probed.
   */
  due(entries: Iterable<ServedCluster>): { readonly entry: ServedCluster; readonly member: Member }[] {
    const { rules, now } = this.#options;
    const queues: { entry: ServedCluster; members: Member[] }[] = [];
    const at = now();
    for (const entry of entries) {
      const probing = this.#probing.get(entry);
      let members: Member[] | undefined;
      for (const member of entry.cluster.members.values()) {
        if (!wantsProbe(member, rules, at) || probing?.has(member.address)) continue;
        (members ??= []).push(member);
      }
      members?.sort((a, b) => a.lease.probedAt - b.lease.probedAt);
      if (members) queues.push({ entry, members: members.slice(0, MAX_OF_CLUSTER - (probing?.size ?? 0)) });
    }
    const due: { entry: ServedCluster; member: Member }[] = [];
    const isFirst = this.#turn++ % Math.max(1, queues.length);
    const pipeline = [...queues.slice(isFirst), ...queues.slice(0, isFirst)];
    for (let round = 0; pipeline.some(({ members }) => members.length > round); round++) {
      for (const { entry, members } of pipeline) {
        const member = members[round];
        if (member && due.length + this.#underWay < MAX_PROBES) due.push({ entry, member });
      }
      if (due.length + this.#underWay >= MAX_PROBES) break;
    }
    return due;
  }

  /**
   * Probes one member's port, unless that is under way or too many are. Resolves with true when the probe had
   * a result.
   */
  async probe(entry: ServedCluster, { address }: Member): Promise<boolean> {
    const probing = this.#probing.get(entry) ?? new Set();
    if (probing.has(address) || probing.size >= MAX_OF_CLUSTER || this.#underWay >= MAX_PROBES) return false;
    this.#probing.set(entry, probing.add(address));
    this.#underWay++;
    try {
      return await this.#probe(entry, address);
    } finally {
      this.#underWay--;
      probing.delete(address);
      if (probing.size === 0) this.#probing.delete(entry);
    }
  }

  async #probe(entry: ServedCluster, address: Address): Promise<boolean> {
    const { probe, observer, now } = this.#options;
    const askedAt = now();
    const asked = this.#ask(entry, askedAt);
    const answer = await probe.probe(address);
    const isKnown = typeof answer === 'string';
    observer.probed(isKnown ? answer : 'unknown');
    const control = isKnown && answer !== 'open' ? await controlOf(entry, asked, address, answer) : 'nobody';
    const member = entry.cluster.members.get(address);
    if (!member) return false;
    if (!isKnown) {
      missProbe(member, now());
      this.#tell(entry, address, answer.unknown);
      return false;
    }
    observeProbe(member, answer, now(), askedAt, control);
    this.#tell(entry, address, control === 'unanswered' ? UNANSWERED : undefined);
    return true;
  }

  /**
   * Probes nodes that could show that this server reaches others. One control serves all probes of that
   * moment.
   */
  #ask(entry: ServedCluster, askedAt: number): readonly Asked[] {
    const before = this.#controls.get(entry);
    if (before?.[0] && askedAt - before[0].askedAt <= SHARED_FOR_MS) return before;
    const { probe, rules } = this.#options;
    const asked = witnessesOf(entry.cluster, rules, askedAt).map((witness): Asked => {
      return { ...witness, askedAt, answer: probe.probe(witness.address) };
    });
    this.#controls.set(entry, asked);
    return asked;
  }

  /** Logs once for each cluster that some of its members cannot be judged now, and when they can again. */
  #tell(entry: ServedCluster, address: Address, why: string | undefined): void {
    const { log, now } = this.#options;
    const cluster = keyOf(entry.cluster);
    entry.probed(address, why, now());
    const untold = this.#untold.get(entry) ?? new Set();
    if (why !== undefined) {
      const level = untold.size === 0 ? 'warn' : 'debug';
      if (!untold.has(address))
        log[level](
          { cluster, address, reason: why },
          'a member cannot be probed from here; while that lasts it stays listed',
        );
      this.#untold.set(entry, untold.add(address));
      return;
    }
    if (untold.size === 0) return;
    for (const one of untold) if (one === address || !entry.cluster.members.has(one)) untold.delete(one);
    if (untold.size > 0) return;
    this.#untold.delete(entry);
    log.info({ cluster }, 'its members can be probed again');
  }
}

/** Finds a node that vouches for a failed probe, and resolves as soon as one does. */
async function controlOf(
  entry: ServedCluster,
  asked: readonly Asked[],
  address: Address,
  failure: ProbeAnswer,
): Promise<Control> {
  const others = asked.filter((one) => one.address !== address);
  const vouch = async ({ answer, isSure: _, ...witness }: Asked): Promise<Witness> => {
    const said = await answer;
    // The refusal of a live member vouches for no other refusal: see isVouched.
    const isEnough =
      said === 'open' || (said === 'refused' && (failure === 'unreachable' || !witness.isMember));
    if (!isEnough) throw new Error('it does not vouch');
    return { ...witness, answer: said };
  };
  // More of their connections may have ended meanwhile.
  const isSure = (one: Asked): boolean => {
    const member = entry.cluster.members.get(one.address);
    return one.isSure && (!member || isSurelyAlive(member));
  };
  return Promise.any(others.map(vouch)).catch(() => (others.some(isSure) ? 'unanswered' : 'nobody'));
}
