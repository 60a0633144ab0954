import type { Address } from '../../../src/registry/address.js';
import { needsTick } from '../../../src/registry/advance.js';
import {
  emptyCluster,
  type Cluster,
  type Lease,
  type ProbeAnswer,
  type StoredLease,
} from '../../../src/registry/cluster.js';
import {
  saysSomethingNew,
  type Command,
  type Context,
  type Outcome,
  type decide,
} from '../../../src/registry/decide.js';
import type { RaftEvidence } from '../../../src/registry/evidence.js';
import type { Control } from '../../../src/registry/control.js';
import {
  deliver,
  hearPoll,
  missProbe,
  observeProbe,
  seeEnd,
  storedLease,
  wantsProbe,
} from '../../../src/registry/lease.js';
import { isLeaveComplete, unfollowed, type Left } from '../../../src/registry/leave.js';
import { DEFAULT_RULES, graceTime } from '../../../src/registry/rules.js';
import { LeaseClock } from '../../../src/runtime/lease-clock.js';
import { answerAt, controlAt, type Lack } from './blind.js';
import type { Schedule } from './schedule.js';

export type Decide = typeof decide;

export const RULES = DEFAULT_RULES;

const TICK = 250;
const FLUSH = 1_000;

/** What the server answers: a complete list, or the unterminated answer. */
export type Answer = { readonly list: readonly Address[]; readonly revision: number } | 'failed';

/** What the server needs of the world. */
export interface ServerHost {
  readonly schedule: Schedule;
  readonly decide: Decide;
  /** For the proof that it must not (see mutations.ts). */
  readonly deafTimeCounts: boolean;
  readonly unnoticedPauses: boolean;
  probe(address: Address): ProbeAnswer;
  /** What a control probe of an address would meet. */
  reach(address: Address): ProbeAnswer;
  /** A refused port is known to be one: somebody else's was open. */
  refused(address: Address): void;
  /** For the proof that none may (see mutations): whatever fails is taken for another's death. */
  readonly ignoresControl: boolean;
  storeWorks(): boolean;
  /** What Raft was last seen to believe, when it is now on the lease clock. */
  seen(now: number): RaftEvidence | undefined;
  changed(before: Cluster, after: Cluster, command: Command, outcome: Outcome): void;
}

/** A connection as a server knows it. */
export interface Connection {
  /** On the server's lease clock. */
  readonly openedAt: number;
  /** The list that was last sent on it, and when in simulated time. */
  sent?: { readonly revision: number; readonly at: number };
}

export interface Request {
  readonly address: Address;
  readonly id: string | undefined;
  readonly expect: number | undefined;
  readonly connection: Connection;
  /** An agent's heartbeat for its node in place of the node's own poll. */
  readonly beat?: Beat | undefined;
  /** A poll without `self`, of a node that an operator has put. */
  readonly isMute?: boolean;
}

export interface Beat {
  /** The revision that its Nacos has; it is answered when there is another, or after `wait` milliseconds. */
  readonly has: number;
  readonly wait: number;
  readonly starting: boolean;
}

export type Poll = Extract<Command, { type: 'poll' }>;

/** What a request says to the rules. Spelt out, as whatever happens thousands of times in a history: spreads took a tenth of it. */
export function pollOf({ address, id, expect, connection, beat }: Request): Poll {
  const connectedAt = connection.openedAt;
  if (!beat) return { type: 'poll', address, id, expect, connectedAt, source: 'poll' };
  const { has, starting } = beat;
  return { type: 'poll', address, id, expect, connectedAt, source: 'heartbeat', revision: has, starting };
}

/** What a decision is told. */
export function contextOf({
  now,
  graceUntil,
  raft,
  othersKnow,
}: {
  readonly now: number;
  readonly graceUntil: number;
  readonly raft: RaftEvidence | undefined;
  readonly othersKnow?: boolean | undefined;
}): Context {
  const context: { -readonly [K in keyof Context]: Context[K] } = {
    now,
    rules: RULES,
    graceUntil,
    clusters: 1,
  };
  if (raft) context.raft = raft;
  if (othersKnow !== undefined) context.othersKnow = othersKnow;
  return context;
}

/** An address server, one on a database of its own or one of several on a shared one, as the world deals with it. */
export interface AddressServer {
  readonly state: 'up' | 'down' | 'paused';
  /** What it lacks without knowing it. */
  lack: Lack | undefined;
  readonly hearing: number;
  /** False while it cannot start. */
  start(): boolean;
  stop(clean: boolean): void;
  pause(): void;
  resume(): void;
  /** Something arrives at a paused process. */
  queue(arrival: () => void): void;
  poll(request: Request, answer: (answer: Answer) => void): () => void;
  /** R4 with `wait`; `done` is told whether it took effect, when the wait is over. */
  leave(address: Address, wait: number, done: (ok: boolean) => void): void;
  /** R10. */
  connectionClosed(address: Address, byPeer: boolean): void;
  /** An agent's word that its Nacos does not answer. */
  reportUnhealthy(address: Address): void;
  /** An operator's word, or the doctor's; undefined when nothing can be decided now. */
  command(command: Spoken): Outcome | undefined;
  /** Whether it takes the address for a member, right or wrong. */
  lists(address: Address): boolean;
}

/** The control of a probe that has this answer, at a server that may lack something. */
export function controlOf(
  host: ServerHost,
  { lack }: Pick<AddressServer, 'lack'>,
  cluster: Cluster,
  { address, answer, now }: { address: Address; answer: ProbeAnswer | 'unknown'; now: number },
): Control {
  if (answer === 'open' || answer === 'unknown') return 'nobody';
  const control: Control = host.ignoresControl
    ? { address: 'somebody:1', isMember: true, answer: 'open', askedAt: now }
    : controlAt(cluster, { address, answer, now }, (one) => answerAt(lack, () => host.reach(one)));
  if (answer === 'refused' && control !== 'unanswered') host.refused(address);
  return control;
}
export type Spoken = Extract<Command, { type: 'put' | 'adopt' | 'recover' | 'repair' | 'leave' }>;

interface Held {
  readonly request: Request;
  readonly answer: (answer: Answer) => void;
}

/**
 * The address server as registry-service.ts runs it, with simulated time: the same calls of the same rules in the same
 * order, but without promises. A commit takes no time, and what is on the disk is kept as the store keeps it:
 * the cluster of the last commit, and leases of the last flush.
 *
 * Several servers on one database are replica.ts.
 */
export class SimulatedServer implements AddressServer {
  state: 'up' | 'down' | 'paused' = 'down';
  lack: Lack | undefined;
  cluster: Cluster = emptyCluster({ product: 'nacos', name: 'serverlist' });
  readonly #host: ServerHost;
  readonly #disk = {
    cluster: this.cluster,
    leases: {
      members: new Map<Address, StoredLease>(),
      waiting: new Map<Address, StoredLease>(),
      tombstones: new Map<Address, StoredLease>(),
    },
    hearing: 0,
  };
  #clock: LeaseClock;
  #flushedUpTo = -1;
  #graceUntil = 0;
  #outage = false;
  /** The process; what was planned for an earlier one is void. */
  #incarnation = 0;
  #loop = 0;
  readonly #held = new Set<Held>();
  readonly #leaving = new Set<{ left: Left; until: number; done: (ok: boolean) => void }>();
  readonly #probing = new Set<Address>();
  /** Polls that came while the process was stopped, and are read when it goes on. */
  readonly #backlog: (() => void)[] = [];

  constructor(host: ServerHost) {
    this.#host = host;
    this.#clock = this.#newClock();
  }

  get hearing(): number {
    return this.#clock.now();
  }

  start(): boolean {
    if (!this.#host.storeWorks()) return false;
    this.state = 'up';
    this.#incarnation++;
    this.#clock = this.#newClock();
    const { deafTimeCounts, schedule } = this.#host;
    this.#clock.resumeAt(deafTimeCounts ? schedule.now : this.#disk.hearing);
    this.#flushedUpTo = this.#disk.hearing;
    this.#graceUntil = 0;
    this.#outage = false;
    this.cluster = this.#load();
    if (this.cluster.members.size > 0) this.#startGrace();
    this.#transact({ type: 'resume' });
    this.#tickLater(++this.#loop);
    return true;
  }

  stop(clean: boolean): void {
    if (clean && this.state === 'up') this.#flush();
    this.state = 'down';
    this.#incarnation++;
    this.#probing.clear();
    this.#backlog.length = 0;
    for (const held of [...this.#held]) this.#end(held, 'failed');
    for (const leaving of [...this.#leaving]) {
      this.#leaving.delete(leaving);
      leaving.done(false);
    }
  }

  pause(): void {
    this.state = 'paused';
  }

  /** Sockets are read before timers run: what waited there is heard before the pause is noticed. */
  resume(): void {
    this.state = 'up';
    for (const poll of this.#backlog.splice(0)) poll();
    for (const held of [...this.#held]) this.#end(held, 'failed');
    this.#tick();
    this.#tickLater(++this.#loop);
  }

  queue(poll: () => void): void {
    this.#backlog.push(poll);
  }

  poll(request: Request, answer: (answer: Answer) => void): () => void {
    const { address, beat } = request;
    const said = pollOf(request);
    const held: Held = { request, answer };
    this.#held.add(held);
    if (request.isMute) return this.#hold(held, RULES.pollHold);
    const member = this.cluster.members.get(address);
    if (member) {
      hearPoll(member.lease, said, this.#clock.saidAt());
      this.#noteDelivered(request);
      if (saysSomethingNew(member, said) && !this.#outage) this.#transact(said);
      return this.#hold(held, beat?.wait ?? 0);
    }
    const outcome = this.#transact(said);
    if (outcome?.reply.type === 'listed') return this.#hold(held, beat?.wait ?? 0);
    this.#hold(held, RULES.pollHold);
    return () => {
      if (!this.#held.delete(held) || outcome?.reply.type !== 'waiting') return;
      const abandon = (): void => void this.#transact({ type: 'abandon', address });
      if (this.state === 'paused') this.queue(abandon);
      else if (this.state === 'up') abandon();
    };
  }

  leave(address: Address, wait: number, done: (ok: boolean) => void): void {
    const outcome = this.#transact({ type: 'leave', address, wait });
    if (!outcome || outcome.reply.type === 'unknown') return done(false);
    this.#leaving.add({
      left: { address, revision: this.cluster.revision },
      until: this.#host.schedule.now + wait,
      done,
    });
    this.#wake();
  }

  connectionClosed(address: Address, byPeer: boolean): void {
    const member = this.cluster.members.get(address);
    if (this.state !== 'up' || !member) return;
    if (byPeer) seeEnd(member.lease, this.#clock.saidAt());
    this.#probe(address);
  }

  reportUnhealthy(address: Address): void {
    if (this.state !== 'up' || !this.cluster.members.has(address)) return;
    this.#transact({ type: 'unhealthy', address, problem: 'it does not answer' });
    this.#probe(address);
  }

  command(command: Spoken): Outcome | undefined {
    return this.state === 'up' ? this.#transact(command) : undefined;
  }

  lists(address: Address): boolean {
    return this.cluster.members.has(address);
  }

  /** Answers at once if there is an answer, else when there is, or after `time`. Returns what hangs up. */
  #hold(held: Held, time: number): () => void {
    if (this.#has(held)) this.#answerList(held);
    else {
      const incarnation = this.#incarnation;
      this.#host.schedule.after(time, () => {
        if (this.#incarnation === incarnation && this.state === 'up') this.#end(held, 'failed');
      });
    }
    return () => void this.#held.delete(held);
  }

  /** Whether there is a list to be sent: another than an agent's node has. */
  #has({ request: { address, beat, isMute } }: Held): boolean {
    const { members, revision } = this.cluster;
    return isMute ? members.size > 0 : members.has(address) && beat?.has !== revision;
  }

  /** What an agent says of the list that its Nacos has. */
  #noteDelivered({ address, beat }: Request): void {
    const lease = this.cluster.members.get(address)?.lease;
    if (lease && beat && beat.has <= this.cluster.revision) deliver(lease, beat.has, this.hearing);
  }

  #newClock(): LeaseClock {
    const now = (): number => this.#host.schedule.now;
    return new LeaseClock({ monotonic: now, wall: now });
  }

  #tickLater(loop: number): void {
    this.#host.schedule.after(TICK, () => {
      if (this.#loop !== loop || this.state !== 'up') return;
      this.#tick();
      this.#tickLater(loop);
    });
  }

  #tick(): void {
    if (this.#clock.tick() > 0) this.#startGrace();
    const now = this.hearing;
    if (now - this.#flushedUpTo > FLUSH) this.#flush();
    for (const member of this.cluster.members.values()) {
      if (wantsProbe(member, RULES, now)) this.#probe(member.address);
    }
    if (!this.#outage && needsTick(this.cluster, { now, rules: RULES })) this.#transact({ type: 'tick' });
    this.#wake();
  }

  /** An answer of nothing takes as long as a connect may take; the others come at once. */
  #probe(address: Address): void {
    if (this.#probing.has(address)) return;
    const answer = answerAt(this.lack, () => this.#host.probe(address));
    const askedAt = this.hearing;
    const control = controlOf(this.#host, this, this.cluster, { address, answer, now: askedAt });
    const observe = (): void => {
      this.#probing.delete(address);
      const member = this.cluster.members.get(address);
      if (!member || this.state !== 'up') return;
      if (answer === 'unknown') return missProbe(member, this.hearing);
      observeProbe(member, answer, this.hearing, askedAt, control);
      if (!this.#outage) this.#transact({ type: 'tick' });
    };
    if (answer !== 'unreachable') return observe();
    this.#probing.add(address);
    const incarnation = this.#incarnation;
    this.#host.schedule.after(2_000, () => {
      if (this.#incarnation === incarnation) observe();
    });
  }

  #context(): Context {
    const now = this.hearing;
    const graceUntil = this.#clock.isBehind && !this.#host.unnoticedPauses ? Infinity : this.#graceUntil;
    const raft = this.#host.seen(now);
    return contextOf({ now, graceUntil, raft });
  }

  #transact(command: Command): Outcome | undefined {
    if (this.#outage || !this.#host.storeWorks()) {
      this.#outage = true;
      return undefined;
    }
    const before = this.cluster;
    const outcome = this.#host.decide(before, command, this.#context());
    if (outcome.cluster === before) return outcome;
    this.#commit(before, outcome.cluster);
    this.cluster = outcome.cluster;
    this.#host.changed(before, outcome.cluster, command, outcome);
    this.#wake();
    return outcome;
  }

  #answerList(held: Held): void {
    const { members, revision } = this.cluster;
    const { address, beat, isMute } = held.request;
    const lease = members.get(address)?.lease;
    if (lease && !beat && !isMute) deliver(lease, revision, this.hearing);
    this.#held.delete(held);
    held.answer({ list: [...members.keys()], revision });
    this.#wake();
  }

  #end(held: Held, answer: 'failed'): void {
    if (!this.#held.has(held)) return;
    // An agent's wait is over, and there is no other list.
    if (this.state === 'up' && this.cluster.members.has(held.request.address)) return this.#answerList(held);
    this.#held.delete(held);
    held.answer(answer);
  }

  /** Answers held polls that are listed now, and leaves that are known to all. */
  #wake(): void {
    for (const held of [...this.#held]) {
      if (this.#held.has(held) && this.#has(held)) this.#answerList(held);
    }
    for (const leaving of [...this.#leaving]) {
      const { left, until, done } = leaving;
      const isKnown = isLeaveComplete(unfollowed(this.cluster, left, this.#context()));
      if (!isKnown && this.#host.schedule.now < until) continue;
      this.#leaving.delete(leaving);
      done(true);
    }
  }

  /** Rows of members that are other objects than before are written with their leases, as the stores do. */
  #commit(before: Cluster, after: Cluster): void {
    const disk = this.#disk;
    disk.hearing = Math.max(disk.hearing, this.hearing);
    for (const table of ['members', 'waiting', 'tombstones'] as const) {
      for (const [address, row] of after[table]) {
        if (before[table].get(address) !== row) write(disk.leases[table], address, row.lease);
      }
    }
    disk.cluster = after;
  }

  /** Also the check whether the store is there (R9). */
  #flush(): void {
    if (!this.#host.storeWorks()) {
      this.#outage = true;
      return;
    }
    const { members } = this.#disk.leases;
    for (const { address, lease } of this.cluster.members.values()) write(members, address, lease);
    this.#disk.hearing = Math.max(this.#disk.hearing, this.hearing);
    this.#flushedUpTo = this.hearing - 1;
    if (this.#outage) {
      this.#outage = false;
      this.#startGrace();
    }
  }

  #load(): Cluster {
    const { cluster, leases } = this.#disk;
    const load = <V extends { readonly lease: Lease }>(
      table: keyof typeof leases,
      rows: ReadonlyMap<Address, V>,
    ): ReadonlyMap<Address, V> =>
      new Map(
        [...rows].map(([address, row]) => {
          return [address, { ...row, lease: storedLease(leases[table].get(address) ?? row.lease) }];
        }),
      );
    return {
      ...cluster,
      members: load('members', cluster.members),
      waiting: load('waiting', cluster.waiting),
      tombstones: load('tombstones', cluster.tombstones),
    };
  }

  #startGrace(): void {
    this.#graceUntil = this.#host.deafTimeCounts ? 0 : this.hearing + graceTime(RULES);
  }
}

/** In its place, since each member's is written once a second. */
function write(table: Map<Address, StoredLease>, address: Address, lease: Lease): void {
  const stored = table.get(address);
  if (!stored) {
    table.set(address, { ...lease });
    return;
  }
  stored.heardAt = lease.heardAt;
  stored.openAt = lease.openAt;
  stored.endedAt = lease.endedAt;
  stored.refusedAt = lease.refusedAt;
  stored.delivered = lease.delivered;
  stored.deliveredAt = lease.deliveredAt;
  stored.polls = lease.polls;
}
