import type { Address } from '../../src/registry/address.js';
import { emptyCluster, optional, type Cluster, type ProbeAnswer } from '../../src/registry/cluster.js';
import type { Control, Witness } from '../../src/registry/control.js';
import { decide, type Command, type Reply } from '../../src/registry/decide.js';
import type { RaftEvidence } from '../../src/registry/evidence.js';
import type { RegistryEvent } from '../../src/registry/events.js';
import { deliver, hear, observeProbe } from '../../src/registry/lease.js';
import { DEFAULT_RULES, type Rules } from '../../src/registry/rules.js';

/** One cluster under the rules, with a clock that the test moves; for tests of the rules one by one. */
export class RuleHarness {
  cluster: Cluster = emptyCluster({ product: 'nacos', name: 'serverlist' });
  now = 1_000_000;
  graceUntil = 0;
  clusters = 0;
  /** What Raft is seen to believe, at any time; undefined while nodes cannot be read. */
  seen: Omit<RaftEvidence, 'readAt'> | undefined;
  readonly events: RegistryEvent[] = [];
  readonly rules: Rules;

  constructor(rules: Partial<Rules> = {}) {
    this.rules = { ...DEFAULT_RULES, ...rules };
  }

  do(command: Command): Reply {
    const { now, rules, graceUntil, clusters } = this;
    const raft = this.seen && { ...this.seen, readAt: now };
    const outcome = decide(this.cluster, command, {
      now,
      rules,
      graceUntil,
      clusters,
      ...optional('raft', raft),
    });
    this.cluster = outcome.cluster;
    this.events.push(...outcome.events);
    return outcome.reply;
  }

  /** A Nacos polls and, if it is listed, receives the list. */
  poll(address: Address, more: { id?: string; expect?: number; connectedAt?: number } = {}): Reply {
    const reply = this.do({ type: 'poll', address, source: 'poll', connectedAt: this.now, ...more });
    const member = this.cluster.members.get(address);
    if (member) deliver(member.lease, this.cluster.revision, this.now);
    return reply;
  }

  heartbeat(
    address: Address,
    more: { id?: string; expect?: number; revision?: number; starting?: boolean } = {},
  ): Reply {
    return this.do({ type: 'poll', address, source: 'heartbeat', connectedAt: this.now, ...more });
  }

  /** Bootstraps a cluster of these addresses. */
  bootstrap(...addresses: Address[]): this {
    for (const address of addresses) this.poll(address, { expect: addresses.length });
    for (const address of addresses) this.poll(address, { expect: addresses.length });
    return this;
  }

  /** Has these addresses poll until they are bootstrapped, with the ids n0, n1, … in their order. */
  bootstrapWithIds(...addresses: Address[]): this {
    for (const [i, address] of addresses.entries()) {
      this.poll(address, { id: `n${i}`, expect: addresses.length });
    }
    return this;
  }

  /** A member's port is probed, and at the same time those that live: one of them is open unless a test says otherwise. */
  probe(address: Address, answer: ProbeAnswer, control: Control = this.witness()): void {
    const member = this.cluster.members.get(address);
    if (member) observeProbe(member, answer, this.now, this.now, control);
  }

  /** Somebody else answers this server now. */
  witness(): Witness {
    return { address: '127.0.0.99:8848', isMember: true, answer: 'open', askedAt: this.now };
  }

  /**
   * Time passes second by second; `alive` poll every 5 s, `dead` members' ports do not answer. Waiting
   * addresses among the alive poll every second, as a Nacos does at its start.
   */
  pass(
    ms: number,
    alive: readonly Address[] = [],
    dead: readonly Address[] = [],
    answer: ProbeAnswer = 'unreachable',
  ): void {
    for (let second = 1; second * 1_000 <= ms; second++) {
      this.now += 1_000;
      for (const address of alive) {
        if (second % 5 === 0 || this.cluster.waiting.has(address)) this.poll(address);
      }
      for (const address of dead) this.probe(address, answer);
      this.do({ type: 'tick' });
    }
  }

  /** Renews without a decision, as the hot path does. */
  hear(address: Address): void {
    const member = this.cluster.members.get(address);
    if (member) hear(member.lease, this.now, true);
  }

  get list(): Address[] {
    return [...this.cluster.members.keys()];
  }

  get waiting(): Address[] {
    return [...this.cluster.waiting.keys()];
  }

  /** The events since the last call, as `type address`. */
  said(): string[] {
    return this.events
      .splice(0)
      .map(({ type, address }) => (address === undefined ? type : `${type} ${address}`));
  }
}

export const A = '127.0.0.1:8848';
export const B = '127.0.0.2:8848';
export const C = '127.0.0.3:8848';
export const D = '127.0.0.4:8848';
export const E = '127.0.0.5:8848';
export const F = '127.0.0.6:8848';

/** Two groups with these voters, all of whom follow. */
export const voters = (...addresses: Address[]): NonNullable<RuleHarness['seen']> => ({
  leaderless: [],
  whole: {
    groups: ['one', 'two'],
    voters: new Map(addresses.map((address) => [address, ['one', 'two']] as const)),
    followers: new Set(addresses),
  },
});
