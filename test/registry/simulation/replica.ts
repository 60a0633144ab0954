import { needsTick } from '../../../src/registry/advance.js';
import type { Address } from '../../../src/registry/address.js';
import { releasable } from '../../../src/registry/agreement.js';
import { type Cluster, type Member } from '../../../src/registry/cluster.js';
import { saysSomethingNew, type Command, type Context, type Outcome } from '../../../src/registry/decide.js';
import { hearPoll, missProbe, observeProbe, seeEnd, wantsProbe } from '../../../src/registry/lease.js';
import { isLeaveComplete, unfollowed, type Left } from '../../../src/registry/leave.js';
import type { SyncRequest, StoreSnapshot } from '../../../src/registry/interfaces.js';
import { graceTime, LATE_POLL, REPLICA_LOST_AFTER } from '../../../src/registry/rules.js';
import { ServedCluster } from '../../../src/runtime/served-cluster.js';
import { LeaseClock, type TimeSources } from '../../../src/runtime/lease-clock.js';
import { ServingLease } from '../../../src/runtime/serving-lease.js';
import { leasesOf } from '../../../src/store/rows.js';
import { KnownClusters, type Loaded } from '../../../src/store/sql/known-clusters.js';
import { ReplicaState } from '../../../src/store/sql/replica-state.js';
import { answerAt, type Lack } from './blind.js';
import type { SharedDatabase } from './database.js';
import type { Random } from './random.js';
import {
  contextOf,
  controlOf,
  pollOf,
  RULES,
  type AddressServer,
  type Answer,
  type Request,
  type ServerHost,
  type Spoken,
} from './server.js';

const TICK = 250;

/** As in registry-service.ts and sql-store.ts. */
const PACE = 500;
const SOON = 150;
const STORE_TIMEOUT = 2_000;
const WRITE_EVERY = 1_000;
const READ_EVERY = 2_000;
const LATE_COMMIT = 3_000;
const CLOCK_BEHIND = 5_000;

/** How often an exchange with a database that is well takes some milliseconds for each of its statements. */
const JITTERS = 0.1;

/** How often a decision is stored whose answer the network swallowed, when it has just failed. */
const COMMITS_UNHEARD = 0.3;
const JUST = 1_000;

/** What is broken on purpose in what the servers owe each other (see mutations.ts). */
export interface ReplicaFaults {
  /** A changed list is sent at once, whether the others have it or not. */
  readonly neverPending?: boolean;
  /** A server that is cut off from the database sends its lists for ever. */
  readonly alwaysCurrent?: boolean;
  /** What a server heard after a pause keeps the time of the server's own clock. */
  readonly neverCatchesUp?: boolean;
  /** What waited in a stopped server's sockets is taken for said now. */
  readonly hearsOldWords?: boolean;
  /** What is heard while the others are told what was heard is taken for told. */
  readonly tellsUnnoticed?: boolean;
  /** A member that is known to be silent is answered like any other. */
  readonly answersSilent?: boolean;
  /** What the others heard is not read. */
  readonly keepsToItself?: boolean;
  /** A server goes on to send the list before after it has said that it does not. */
  readonly trustsItsOwn?: boolean;
  /** Who joins is sent its list at once, also while a member may have one from before its address was taken off. */
  readonly neverWaitsForOld?: boolean;
  /** Whoever is on the list of an earlier epoch, too, is sent that until the new one is released. */
  readonly neverMindsEpochs?: boolean;
  /** What a server heard while the shared clock stood still keeps the time of the server's own clock. */
  readonly neverSetsBack?: boolean;
  /** What a server heard before it stood still is set back by what its clock is ahead then, and no more. */
  readonly forgetsItStood?: boolean;
  /** A server that starts tells the others of its grace only after they take it for one that hears. */
  readonly tellsGraceLate?: boolean;
  /** Nobody knows any more of a server that took its leave. */
  readonly leavesNoTrace?: boolean;
}

export interface ReplicaHost extends ServerHost {
  readonly database: SharedDatabase;
  readonly random: Random;
  readonly replicaFaults: ReplicaFaults;
}

interface Held {
  readonly request: Request;
  readonly answer: (answer: Answer) => void;
}

class Unreached extends Error {
  constructor(readonly isSilent: boolean) {
    super('the database is out of reach');
  }
}

/** One of each: a stack trace for every statement that fails costs more than the statement. */
const UNREACHED = { silent: new Unreached(true), refused: new Unreached(false), given: new Unreached(false) };

/** All take it for released at once. */
class CarelessClusters extends KnownClusters {
  override keep(loaded: Loaded): void {
    super.keep(loaded, Infinity);
  }
}

/** It says that it holds the list before, and goes on to send it. */
class TrustingClusters extends KnownClusters {
  override promise(promisable: number): void {
    this.#said = Math.max(this.#said, promisable);
  }
  override get promised(): number {
    return this.#said;
  }
  #said = -1;
}

class HastyEntry extends ServedCluster {
  override listFor(address: Address | undefined): Cluster | undefined {
    const list = super.listFor(address);
    const before = super.listFor(undefined);
    return !list && before && address !== undefined && !before.members.has(address) ? this.cluster : list;
  }
}

class EpochlessEntry extends ServedCluster {
  override listFor(address: Address | undefined): Cluster | undefined {
    const before = super.listFor(undefined);
    return before && address !== undefined && before.members.has(address) ? before : super.listFor(address);
  }
}

class CarelessStanding extends ServingLease {
  override isValid(): boolean {
    return true;
  }
}

/**
 * One of several address servers on one database, as registry-service.ts and sql-store.ts run it, with simulated time and
 * without promises: KnownClusters, ReplicaState, ServedCluster, Standing and LeaseClock are the real ones. A decision
 * takes one moment; an exchange does too when the database is quick, and else happens statement by statement.
 */
export class SimulatedReplica implements AddressServer {
  state: 'up' | 'down' | 'paused' = 'down';
  lack: Lack | undefined;
  readonly id: string;
  readonly #host: ReplicaHost;
  readonly #db: SharedDatabase;
  readonly #time: TimeSources;
  /** How long its exchanges take at most, in milliseconds. */
  slowness = 0;
  #clock: LeaseClock;
  #servingLease: ServingLease;
  #known = new KnownClusters();
  #entry = new ServedCluster({ product: 'nacos', name: 'serverlist' });
  #scene: StoreSnapshot = { now: 0, graceUntil: 0, clusters: 0 };
  #token = '';
  #incarnation = 0;
  #isOpen = false;
  #outage = true;
  #graceUntil = 0;
  #seenChange = -1;
  #enteredToken: string | undefined;
  #tokens = 0;
  #writes = 0;
  #confirmed = 0;
  #isUnconfirmed = false;
  #exchangedLast = -Infinity;
  #writtenAt = -Infinity;
  #readUpTo = 0;
  #readAt = -Infinity;
  #lastNow = 0;
  #exchanging = 0;
  #exchanges = 0;
  #exchangedAt = 0;
  #timer = 0;
  #failedAt = -Infinity;
  readonly #held = new Set<Held>();
  readonly #leaving = new Set<{ left: Left; until: number; done: (ok: boolean) => void }>();
  readonly #probing = new Set<Address>();
  /** What came while the process was stopped, and happens when it goes on: what was read from sockets first. */
  readonly #backlog: (() => void)[] = [];
  readonly #frozen: (() => void)[] = [];

  constructor(id: string, host: ReplicaHost) {
    this.id = id;
    this.#host = host;
    this.#db = host.database;
    const now = (): number => host.schedule.now;
    this.#time = { monotonic: now, wall: now };
    this.#clock = new LeaseClock(this.#time);
    this.#servingLease = new ServingLease(this.#time);
  }

  get hearing(): number {
    return this.#clock.now();
  }

  get #readsWhatWaited(): boolean {
    return this.#clock.readsWhatWaited && !this.#host.replicaFaults.hearsOldWords;
  }

  get #saidAt(): number {
    return this.#readsWhatWaited ? this.#clock.saidAt() : this.hearing;
  }

  /** What it would send to somebody who does not say who it is, and whether all have that. */
  get serves(): {
    readonly list: Cluster | undefined;
    readonly isPending: boolean;
    readonly newest: Cluster;
  } {
    const list = this.#listFor(undefined, undefined);
    return { list, isPending: this.#entry.isPending, newest: this.#entry.cluster };
  }

  /** Whether it takes the address for a member, right or wrong. */
  lists(address: Address): boolean {
    return this.#entry.cluster.members.has(address);
  }

  start(): boolean {
    this.state = 'up';
    this.#incarnation++;
    this.#token = `${this.id} ${this.#incarnation}`;
    this.#clock = new LeaseClock(this.#time);
    const { replicaFaults } = this.#host;
    this.#servingLease = new (replicaFaults.alwaysCurrent ? CarelessStanding : ServingLease)(this.#time);
    const Honest = replicaFaults.trustsItsOwn ? TrustingClusters : KnownClusters;
    this.#known = new (replicaFaults.neverPending ? CarelessClusters : Honest)();
    const Careful = replicaFaults.neverMindsEpochs ? EpochlessEntry : ServedCluster;
    const Entry = replicaFaults.neverWaitsForOld ? HastyEntry : Careful;
    this.#entry = new Entry({ product: 'nacos', name: 'serverlist' });
    this.#known.listener = {
      changed: (cluster, sent) => this.#learned(cluster, sent),
      catchUp: (now) => this.#clock.catchUp(now),
      telling: () => {
        if (replicaFaults.tellsUnnoticed !== true) this.#servingLease.telling();
      },
      lost: () => {
        this.#servingLease.lose();
        this.#entry.distrust();
      },
    };
    this.#scene = { now: 0, graceUntil: 0, clusters: 0 };
    this.#isOpen = false;
    this.#outage = true;
    this.#graceUntil = 0;
    this.#seenChange = -1;
    this.#enteredToken = undefined;
    this.#writes = this.#confirmed = 0;
    this.#isUnconfirmed = false;
    this.#exchangedLast = -Infinity;
    this.#writtenAt = -Infinity;
    this.#readUpTo = 0;
    this.#readAt = -Infinity;
    this.#lastNow = 0;
    this.#exchanging = 0;
    this.#failedAt = -Infinity;
    this.#exchange();
    this.#later(TICK, () => this.#ticks());
    this.#exchangeIn(this.#host.random.between(1, PACE));
    return true;
  }

  stop(clean: boolean): void {
    if (clean && this.state === 'up' && this.#db.reach(this.id) === 'ok') {
      if (this.#isOpen && this.#exchanging === 0) this.#finish(this.#exchangeSteps());
      this.#db.leave(this.id, this.#token, this.#lastNow);
      if (this.#host.replicaFaults.leavesNoTrace) this.#db.forget(this.id);
    }
    this.state = 'down';
    this.#incarnation++;
    this.#probing.clear();
    this.#backlog.length = 0;
    this.#frozen.length = 0;
    for (const held of [...this.#held]) this.#end(held);
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
    for (const one of this.#backlog.splice(0)) one();
    for (const one of this.#frozen.splice(0)) if (this.state === 'up') one();
  }

  queue(arrival: () => void): void {
    this.#backlog.push(arrival);
  }

  /** The hot path of list-reader.ts, then the slow one of routes.ts. */
  poll(request: Request, answer: (answer: Answer) => void): () => void {
    const { address, beat } = request;
    const held: Held = { request, answer };
    if (request.isMute) return this.#hold(held, RULES.pollHold);
    const member = this.#entry.cluster.members.get(address);
    let isWaiting = false;
    let isRefused = false;
    if (!member || !this.#renew(member, request)) {
      if (this.#readsWhatWaited) {
        this.#later(RULES.pollHold, () => answer('failed'));
        return () => undefined;
      }
      const outcome = this.#transact(pollOf(request));
      isWaiting = outcome?.reply.type === 'waiting';
      if (!outcome && member && this.#servingLease.mayAnswerForSilent()) this.#hear(member, request);
      else isRefused = outcome === undefined || outcome.reply.type === 'refused';
    }
    if (isRefused) this.#later(RULES.pollHold, () => answer('failed'));
    else this.#hold(held, member && beat ? beat.wait : RULES.pollHold);
    return () => {
      if (!this.#held.delete(held) || !isWaiting) return;
      const abandon = (): void => {
        if (!this.#outage) this.#transact({ type: 'abandon', address });
      };
      if (this.state === 'paused') this.queue(abandon);
      else if (this.state === 'up') abandon();
    };
  }

  leave(address: Address, wait: number, done: (ok: boolean) => void): void {
    const outcome = this.#transact({ type: 'leave', address, wait });
    if (!outcome || outcome.reply.type === 'unknown') return done(false);
    const left = { address, revision: outcome.cluster.revision };
    this.#leaving.add({ left, until: this.#host.schedule.now + wait, done });
    this.#look();
  }

  connectionClosed(address: Address, byPeer: boolean): void {
    const member = this.#entry.cluster.members.get(address);
    if (this.state !== 'up' || !member) return;
    if (byPeer) seeEnd(member.lease, this.#saidAt);
    this.#probe(address);
  }

  reportUnhealthy(address: Address): void {
    if (this.state !== 'up' || !this.lists(address)) return;
    this.#transact({ type: 'unhealthy', address, problem: 'it does not answer' });
    this.#probe(address);
  }

  command(command: Spoken): Outcome | undefined {
    return this.state === 'up' ? this.#transact(command) : undefined;
  }

  /** Answers when there is an answer, or after `time`. Returns what hangs up. */
  #hold(held: Held, time: number): () => void {
    this.#held.add(held);
    this.#later(time, () => this.#end(held));
    this.#look();
    return () => void this.#held.delete(held);
  }

  #hear(member: Member, request: Request): void {
    hearPoll(member.lease, pollOf(request), this.#saidAt);
    const { has } = request.beat ?? {};
    // It may know a list of a database that was replaced since.
    if (has !== undefined && has <= this.#entry.cluster.revision)
      this.#entry.delivered(member.address, has, this.hearing);
  }

  #renew(member: Member, request: Request): boolean {
    const maySpeak =
      !this.#servingLease.hasOthers || (this.#outage && this.#servingLease.mayAnswerForSilent());
    const { answersSilent } = this.#host.replicaFaults;
    if (member.presence !== 'live' && !maySpeak && !answersSilent) return false;
    this.#hear(member, request);
    const poll = pollOf(request);
    if (saysSomethingNew(member, poll) && !this.#outage && !this.#readsWhatWaited) this.#transact(poll);
    return true;
  }

  #listFor(address: Address | undefined, sent: Request['connection']['sent']): Cluster | undefined {
    const list = this.#entry.listFor(address);
    if (!list || this.#servingLease.isValid()) return list;
    const isContinued = sent?.revision === list.revision && this.#host.schedule.now - sent.at < LATE_POLL;
    return isContinued ? list : undefined;
  }

  /** Answers who may be answered now. */
  #look(): void {
    for (const held of [...this.#held]) {
      if (this.#held.has(held)) this.#answerIf(held, (list, { beat }) => list.revision !== beat?.has);
    }
    for (const leaving of [...this.#leaving]) {
      const { left, until, done } = leaving;
      const isKnown = isLeaveComplete(unfollowed(this.#entry.cluster, left, this.#context()));
      if (!isKnown && this.#host.schedule.now < until) continue;
      this.#leaving.delete(leaving);
      done(true);
    }
  }

  /** Sends the list that the caller may have, if there is one and it is wanted. */
  #answerIf(held: Held, isWanted: (list: Cluster, request: Request) => boolean): void {
    const { address, connection, beat, isMute } = held.request;
    if (!isMute && !this.#entry.cluster.members.has(address)) return;
    const list = this.#listFor(isMute ? undefined : address, connection.sent);
    if (!list || list.members.size === 0 || !isWanted(list, held.request)) return;
    this.#held.delete(held);
    if (!beat && !isMute) this.#entry.delivered(address, list.revision, this.hearing);
    connection.sent = { revision: list.revision, at: this.#host.schedule.now };
    held.answer({ list: [...list.members.keys()], revision: list.revision });
  }

  #end(held: Held): void {
    if (!this.#held.has(held)) return;
    // An agent's wait is over, and there is no other list.
    if (this.state === 'up') this.#answerIf(held, () => true);
    if (this.#held.delete(held)) held.answer('failed');
  }

  /** A timer of this process. */
  #later(delay: number, run: () => void): void {
    const incarnation = this.#incarnation;
    this.#host.schedule.after(delay, () => {
      if (this.#incarnation !== incarnation) return;
      if (this.state === 'paused') this.#frozen.push(run);
      else run();
    });
  }

  #ticks(): void {
    this.#later(TICK, () => this.#ticks());
    if (this.#clock.tick() > 0) this.#startGrace();
    const { cluster } = this.#entry;
    const now = this.hearing;
    for (const member of cluster.members.values()) {
      if (wantsProbe(member, RULES, now)) this.#probe(member.address);
    }
    if (!this.#outage && needsTick(cluster, { now, rules: RULES })) this.#tickOne();
    this.#look();
  }

  /** Decides in memory first. */
  #tickOne(): void {
    const { cluster } = this.#entry;
    if (this.#host.decide(cluster, { type: 'tick' }, this.#context()).cluster === cluster) return;
    this.#transact({ type: 'tick' });
  }

  #probe(address: Address): void {
    if (this.#probing.has(address)) return;
    const answer = answerAt(this.lack, () => this.#host.probe(address));
    const askedAt = this.hearing;
    const control = controlOf(this.#host, this, this.#entry.cluster, { address, answer, now: askedAt });
    const observe = (): void => {
      this.#probing.delete(address);
      const member = this.#entry.cluster.members.get(address);
      if (!member) return;
      if (answer === 'unknown') return missProbe(member, this.hearing);
      observeProbe(member, answer, this.hearing, askedAt, control);
      if (!this.#outage) this.#tickOne();
    };
    if (answer !== 'unreachable') return observe();
    this.#probing.add(address);
    this.#later(2_000, observe);
  }

  #context(scene: StoreSnapshot = this.#scene): Context {
    const now = this.hearing;
    const graceUntil = this.#clock.isBehind ? Infinity : Math.max(this.#graceUntil, scene.graceUntil);
    const raft = this.#host.seen(now);
    return contextOf({ now, graceUntil, raft, othersKnow: scene.othersKnow });
  }

  /** SqlStore.#tryToDecide. */
  #transact(command: Command): Outcome | undefined {
    if (this.#outage || !this.#isOpen) return undefined;
    const db = this.#db;
    const reach = db.reach(this.id);
    const { schedule, random } = this.#host;
    if (reach !== 'ok') {
      if (this.#failedAt + STORE_TIMEOUT < schedule.now) this.#failedAt = schedule.now;
      if (reach === 'refused') this.#fail();
      else this.#later(STORE_TIMEOUT, () => this.#failUnlessReached());
      const isLost = schedule.now - this.#failedAt > JUST || random.next() >= COMMITS_UNHEARD;
      if (reach === 'refused' || isLost) return undefined;
    }
    const { row } = db;
    const state = this.#state();
    const isCertain = state.own !== undefined || this.#enteredToken !== this.#token;
    if (!isCertain || this.#hasLost(state, this.#confirmed)) return undefined;
    if (this.#isUnconfirmed) this.#known.forgetVersions();
    const isUpToDate = this.#known.isUpToDate(row);
    const own = this.#entry.cluster;
    const before = isUpToDate ? own : db.load(leasesOf(own));
    if (isUpToDate && !this.#host.replicaFaults.keepsToItself) this.#known.heard([...db.leases.values()]);
    const scene = this.#sceneOf(state, row.change_seq);
    const outcome = this.#host.decide(before, command, { ...this.#context(scene), now: scene.now });
    const leases = this.#known.dirtyLeasesOf(outcome.cluster, row.id, state.clock.now);
    if (outcome.cluster === before) {
      if (row.version > 0) {
        db.writeLeases(leases.rows, state.clock.now);
        if (reach !== 'ok') return undefined;
        const noted = isUpToDate ? undefined : this.#note();
        noted?.();
        this.#known.keep({ row, stored: before, cluster: before }, state.released);
        leases.written();
      }
      return reach === 'ok' ? outcome : undefined;
    }
    const truth = db.cluster;
    const isNewList = outcome.cluster.revision !== before.revision;
    const next = db.commit(outcome.cluster, isNewList, state.clock.now);
    db.writeLeases(leases.rows, state.clock.now);
    const noted = this.#note();
    this.#host.changed(truth, outcome.cluster, command, outcome);
    if (reach !== 'ok') return undefined;
    noted();
    leases.written();
    const { cluster } = outcome;
    this.#known.keep({ row: next, stored: cluster, cluster }, state.released);
    return outcome;
  }

  #state(): ReplicaState {
    const own = { id: this.id, token: this.#token, enteredToken: this.#enteredToken };
    return new ReplicaState(this.#db.state(), own);
  }

  /** A transaction notes in this server's row that it was made. */
  #note(): () => void {
    const token = this.#token;
    const written = ++this.#writes;
    if (this.#enteredToken !== token) return () => undefined;
    this.#db.noteWritten(this.id, token, written);
    return () => this.#confirm(token, written);
  }

  #confirm(token: string, written: number): void {
    if (token === this.#token) this.#confirmed = Math.max(this.#confirmed, written);
  }

  #sceneOf(state: ReplicaState, change: number): StoreSnapshot {
    return {
      now: state.clock.now,
      graceUntil: state.clock.missedMs > 0 ? Infinity : state.graceUntil,
      othersKnow: state.othersKnow(change),
      clusters: 1,
    };
  }

  /** The store tells of a cluster that became another. */
  #learned(cluster: Cluster, sent: Cluster | undefined): void {
    this.#entry.replace(cluster, sent);
    if (this.#entry.isPending) this.#exchangeIn(SOON);
    this.#look();
  }

  #exchangeIn(delay: number): void {
    const timer = ++this.#timer;
    this.#later(delay, () => {
      if (this.#timer !== timer) return;
      this.#exchangeIn(PACE);
      this.#exchange();
    });
  }

  /** RegistryService.exchange: one at a time. */
  #exchange(): void {
    const { schedule, random } = this.#host;
    if (this.#exchanging !== 0) {
      if (schedule.now - this.#exchangedAt > STORE_TIMEOUT) this.#fail();
      return;
    }
    this.#exchangedAt = schedule.now;
    const which = (this.#exchanging = ++this.#exchanges);
    const steps = this.#isOpen ? this.#exchangeSteps() : this.#openSteps();
    const isJittery = this.slowness > 0 || random.next() < JITTERS;
    // Most of its time is spent with one of its statements.
    const slowest = this.slowness > 0 ? random.between(1, 7) : 0;
    let step = 0;
    const go = (): void => {
      if (this.#exchanging !== which) return;
      try {
        // An answer that is on its way when the network goes is lost.
        if (step > 0) this.#ask();
        while (!steps.next().done) {
          step++;
          if (!isJittery) continue;
          return this.#later(step === slowest ? random.between(0, this.slowness) : random.between(0, 20), go);
        }
      } catch (error) {
        if (!(error instanceof Unreached)) throw error;
        if (error.isSilent)
          return this.#later(Math.max(0, this.#exchangedAt + STORE_TIMEOUT - schedule.now), over);
        return over();
      }
      this.#exchanging = 0;
    };
    const over = (): void => {
      if (this.#exchanging !== which) return;
      this.#exchanging = 0;
      this.#fail();
    };
    go();
  }

  #finish(steps: Iterator<void>): void {
    while (!steps.next().done);
  }

  /** Before each statement, and when its answer comes. */
  #ask(): SharedDatabase {
    const reach = this.#db.reach(this.id);
    if (reach !== 'ok') throw UNREACHED[reach];
    return this.#db;
  }

  /** SqlStore.open and RegistryService.#open. */
  *#openSteps(): Generator<void, void> {
    const mark = this.#servingLease.begin();
    this.#ask();
    const before = this.#state();
    yield;
    this.#ask().enter(this.id, this.#token, before.clock.now);
    yield;
    this.#ask();
    const state = this.#state();
    this.#enteredToken = this.#token;
    yield;
    yield* this.#readChanges(state);
    this.#known.promise(state.promisable(Math.max(0, this.#seenChange)));
    const begins = this.#entry.cluster.members.size > 0 && !this.#host.replicaFaults.tellsGraceLate;
    const released = yield* this.#report(state, {
      hearing: 0,
      graceUntil: begins ? Infinity : 0,
      grace: begins ? graceTime(RULES) : 0,
      renewalSlackMs: 0,
      isWaiting: false,
      isLast: false,
    });
    this.#known.agree(released);
    const { now, missedMs: deaf } = state.clock;
    this.#readUpTo = now - LATE_COMMIT;
    this.#lastNow = now;
    const attended = deaf === 0 && before.others.some(({ seenAt }) => now - seenAt < 2 * WRITE_EVERY);
    this.#clock.resumeAt(now);
    this.#servingLease.renewed(mark, true);
    this.#isOpen = true;
    this.#outage = false;
    if (this.#entry.cluster.members.size > 0) this.#startGrace();
    if (!attended) this.#resume();
    this.#look();
  }

  /** SqlStore.exchange and RegistryService.#exchange. */
  *#exchangeSteps(): Generator<void, void> {
    const mark = this.#servingLease.begin();
    const report = this.#reportOf();
    const { schedule, replicaFaults } = this.#host;
    this.#ask();
    const confirmed = this.#confirmed;
    let state = this.#state();
    yield;
    const isLost = this.#hasLost(state, confirmed);
    if (isLost || !state.isEntered) {
      if (this.#enteredToken === this.#token) this.#distrust(isLost);
      this.#readAnew();
      this.#ask().moveClock(this.#lastNow, state.databaseMs);
      yield;
      this.#ask();
      state = this.#state();
      yield;
      this.#ask().enter(this.id, this.#token, state.clock.now);
      yield;
      this.#ask();
      state = this.#state();
      this.#enteredToken = this.#token;
      yield;
    } else if (this.#isUnconfirmed) {
      this.#readAnew();
    }
    const ahead = report.hearing - state.clock.now;
    const stood = replicaFaults.forgetsItStood ? undefined : report.stood;
    if (!replicaFaults.neverSetsBack) this.#known.setBack(this.#lastNow, ahead, stood);
    if (-ahead > CLOCK_BEHIND && !replicaFaults.neverCatchesUp)
      this.#known.bringForward(this.#clock.catchUp(state.clock.now));
    this.#lastNow = state.clock.now;
    const changed = yield* this.#readChanges(state);
    const at = schedule.now;
    const hasOthers = state.others.length > 0;
    if (hasOthers && (report.isWaiting || at - this.#readAt >= READ_EVERY)) {
      const rows = this.#ask().leasesSince(this.#readUpTo);
      yield;
      if (!replicaFaults.keepsToItself) this.#known.heard(rows);
      this.#readUpTo = state.clock.now - LATE_COMMIT;
      this.#readAt = at;
    }
    this.#known.promise(state.promisable(Math.max(0, this.#seenChange)));
    let { released } = state;
    const urgent = changed || this.#isUnconfirmed || this.#known.isPending;
    if (urgent || state.clock.missedMs > 0 || at - this.#writtenAt >= WRITE_EVERY - PACE / 2) {
      this.#known.listener?.telling();
      for (const batch of this.#known.dirtyLeases(state.clock.now, urgent ? 0 : report.renewalSlackMs)) {
        this.#ask().writeLeases(batch.rows, state.clock.now);
        yield;
        batch.written();
      }
      released = yield* this.#report(state, report);
      this.#writtenAt = at;
    }
    this.#known.agree(released);
    this.#exchangedLast = at;
    const scene = this.#sceneOf(state, 0);
    const soon = this.#known.isPending && scene.othersKnow !== false;
    this.#servingLease.renewed(mark, !state.isAlone);
    this.#scene = scene;
    this.#clock.syncTo(scene.now);
    this.#graceUntil = Math.min(this.#graceUntil, scene.now + graceTime(RULES));
    if (this.#outage) {
      this.#outage = false;
      this.#startGrace();
    }
    if (soon) this.#exchangeIn(SOON);
    if (state.clock.missedMs > 0) {
      this.#startGrace();
      this.#resume();
    }
    this.#look();
  }

  /** True when there was one. */
  *#readChanges(state: ReplicaState): Generator<void, boolean> {
    this.#known.aim(state.changes);
    if (state.changes === this.#seenChange) return false;
    this.#isUnconfirmed = true;
    const { row } = this.#ask();
    const isNewer = row.change_seq > this.#seenChange && !this.#known.isUpToDate(row);
    const loaded = isNewer ? this.#db.load(leasesOf(this.#entry.cluster)) : undefined;
    const leases = [...this.#db.leases.values()];
    yield;
    if (loaded && row.version > 0) {
      this.#known.keep({ row, stored: loaded, cluster: loaded }, state.released);
      this.#known.heard(leases);
    }
    this.#seenChange = state.changes;
    return true;
  }

  #hasLost({ changes, own, isTaken }: ReplicaState, confirmed: number): boolean {
    if (this.#enteredToken !== this.#token) return false;
    if (changes < this.#seenChange) return true;
    if (own) return own.written < confirmed;
    return !isTaken && this.#host.schedule.now - this.#exchangedLast < REPLICA_LOST_AFTER;
  }

  #distrust(isLost: boolean): void {
    this.#known.listener?.lost();
    this.#known.distrust(isLost);
    this.#seenChange = -1;
    this.#confirmed = 0;
    this.#isUnconfirmed = false;
    this.#token = `${this.id} ${this.#incarnation}.${++this.#tokens}`;
  }

  #readAnew(): void {
    this.#known.forgetVersions();
    this.#seenChange = -1;
  }

  *#report(state: ReplicaState, { graceUntil, grace }: SyncRequest): Generator<void, number> {
    const { clock, databaseMs, storedDatabaseMs, overdue, forgetsBefore } = state;
    const db = this.#ask();
    if (clock.isSetBack) db.setDatabaseClock(storedDatabaseMs, databaseMs);
    const until = Math.max(
      Math.min(graceUntil, clock.now + grace),
      clock.missedMs > 0 ? clock.now + grace : 0,
    );
    const own = {
      id: this.id,
      token: this.#token,
      seenAt: clock.now,
      seenChange: Math.max(0, this.#seenChange),
      promised: Math.max(0, this.#known.promised),
      written: ++this.#writes,
    };
    db.report(own, clock.now, databaseMs, until);
    yield;
    for (const other of overdue) {
      this.#ask().revoke(other, clock.now);
      yield;
    }
    if (forgetsBefore !== undefined) {
      this.#ask().forgetReplicas(forgetsBefore);
      yield;
    }
    const waited = state.others.filter((other) => !overdue.includes(other));
    if (releasable([...waited, { ...own, revokedAt: 0 }]) > state.released) {
      this.#ask().release();
      yield;
    }
    this.#ask();
    const after = this.#state();
    yield;
    if (!after.isEntered || (after.own?.written ?? 0) < own.written) throw UNREACHED.given;
    this.#confirm(own.token, own.written);
    this.#isUnconfirmed = false;
    return after.released;
  }

  #reportOf(): SyncRequest {
    const { cluster } = this.#entry;
    const isWatched = this.#held.size > 0 || this.#leaving.size > 0;
    const isWaiting = isWatched || needsTick(cluster, { now: this.hearing, rules: RULES });
    return {
      hearing: this.hearing,
      stood: this.#clock.stood,
      graceUntil: this.#graceUntil,
      grace: graceTime(RULES),
      renewalSlackMs: RULES.memberTtl / 5,
      isWaiting,
      isLast: false,
    };
  }

  /** Who waited is not known to wait still. */
  #resume(): void {
    const { waiting, repair } = this.#entry.cluster;
    if (waiting.size > 0 || repair) this.#transact({ type: 'resume' });
  }

  #startGrace(): void {
    this.#graceUntil = this.hearing + graceTime(RULES);
  }

  #fail(): void {
    this.#outage = true;
  }

  #failUnlessReached(): void {
    if (this.#db.reach(this.id) !== 'ok') this.#fail();
  }
}
