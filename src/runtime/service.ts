import type { Logger } from 'pino';
import type { Address } from '../registry/address.js';
import { needsTick } from '../registry/advance.js';
import { given, keyOf, type Cluster, type ClusterKey, type Member } from '../registry/cluster.js';
import {
  decide,
  saysSomethingNew,
  type Command,
  type Context,
  type Refusal,
  type Reply,
} from '../registry/decide.js';
import type { RecordedEvent } from '../registry/events.js';
import { hear, observeProbe, seeEnd, wantsProbe } from '../registry/lease.js';
import type { Moment } from '../registry/moment.js';
import {
  StoreBusy,
  StoreRefused,
  StoreUnavailable,
  type ClusterListener,
  type Decided,
  type EventQuery,
  type Probe,
  type Report,
  type Scene,
  type Store,
} from '../registry/ports.js';
import { notFollowed } from '../registry/quorum.js';
import { graceTime, LATE_POLL, type Rules } from '../registry/rules.js';
import { ClusterEntry } from './entry.js';
import type { HearingClock } from './hearing-clock.js';
import { Standing } from './standing.js';

/** How often time is looked at, in milliseconds: signs of death and opened gates are seen within it. */
const TICK = 250;

/** How soon the store is asked again while several servers agree on a change, in milliseconds. */
const SOON = 150;

/** A store that has not answered for this long counts as unavailable, in milliseconds. */
const STORE_TIMEOUT = 2_000;

const NO_ANSWER = `the store has not answered for ${STORE_TIMEOUT / 1_000} s`;

const UNREACHED = 'the store has not been reached yet';

/** Probes under way at once. */
const MAX_PROBES = 200;

export interface ServiceOptions {
  readonly store: Store;
  readonly clock: HearingClock;
  readonly probe: Probe;
  readonly rules: Rules;
  readonly log: Logger;
}

/** What a caller says of itself. */
export interface PollRequest {
  readonly address: Address;
  readonly source: 'poll' | 'heartbeat';
  readonly id?: string | undefined;
  readonly expect?: number | undefined;
  /** When its connection was opened, on the hearing clock. */
  readonly connectedAt: number;
}

export type PollAnswer =
  | { readonly type: 'list'; readonly entry: ClusterEntry; readonly list: Cluster }
  | { readonly type: 'waiting'; readonly reason: string }
  | { readonly type: 'refused'; readonly code: Refusal; readonly reason: string }
  /** The store is out of reach, and without it nobody new is listed (R9). */
  | { readonly type: 'unavailable'; readonly reason: string };

/** What was last sent on a connection. */
export interface Sent {
  readonly list: Cluster;
  /** performance.now(). */
  readonly at: number;
}

export interface LeaveAnswer {
  /** False for an address that is neither listed nor waiting nor left lately. */
  readonly known: boolean;
  /** Live members that have not been sent the list without it, or had no time yet to tell Raft. */
  readonly undelivered: readonly Address[];
  readonly revision: number;
}

/** Why the server is not whole, if so. */
export interface Health {
  /** The store's error since its last success. */
  readonly outage?: { readonly since: number; readonly reason: string };
  /** Whether it holds a list that it can serve. */
  readonly hasList: boolean;
  /** False when other servers may have changed the lists since it lost the store. */
  readonly isCurrent: boolean;
  /** How many servers keep these lists, this one included, at its last contact; undefined for a store of its own. */
  readonly servers: number | undefined;
  /** Milliseconds of grace left (R8). */
  readonly grace: number;
}

/**
 * The running registry: holds every cluster in memory, has decisions made and stored, and lets time pass.
 * It holds no rule of its own; what may become of a list is `decide`'s business alone.
 */
export class RegistryService implements ClusterListener {
  readonly #store: Store;
  readonly #clock: HearingClock;
  readonly #probe: Probe;
  readonly #log: Logger;
  readonly rules: Rules;

  readonly #entries = new Map<string, ClusterEntry>();
  readonly #probing = new Set<string>();
  readonly #timers: NodeJS.Timeout[] = [];
  #graceUntil = 0;
  #outage: { since: number; reason: string } | undefined;
  /** Logged once each in an outage, since two may take turns. */
  readonly #saidReasons = new Set<string>();
  readonly #standing: Standing;
  #scene: Scene = { now: 0, graceUntil: 0, clusters: 0 };
  #isOpen = false;
  #others = 0;
  #exchanging: Promise<void> | undefined;
  #exchangedAt = 0;
  /** When the last one succeeded, by performance.now(). */
  #exchangedLast = -Infinity;
  #nextExchange: { readonly at: number; readonly timer: NodeJS.Timeout } | undefined;
  #ticking = false;
  #stopped = false;

  constructor({ store, clock, probe, rules, log }: ServiceOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#probe = probe;
    this.#log = log;
    this.rules = rules;
    this.#standing = new Standing(clock.time);
  }

  /**
   * Loads what is stored, starts the grace of a restart (R8) and lets time run. Rejects with StoreRefused when the
   * store must not be used. One that is out of reach is tried again and again; until then nobody is answered.
   */
  async start(): Promise<void> {
    this.#outage = { since: this.now, reason: UNREACHED };
    try {
      await this.#open();
    } catch (error) {
      // Or its idle connections would keep the process from ending.
      await this.#store.close();
      throw error;
    }
    this.#timers.push(setInterval(() => void this.tick(), TICK));
    this.#exchangeIn(this.#store.pace);
  }

  /** Writes what was heard last and releases the store. */
  async stop(): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    clearTimeout(this.#nextExchange?.timer);
    this.#stopped = true;
    await this.#inTime(this.#exchanging ?? Promise.resolve()).catch(() => undefined);
    if (this.#isOpen) {
      await this.#inTime(this.#store.exchange({ ...this.#report(), isLast: true })).catch((error: unknown) =>
        this.#log.error({ err: error }, 'what was heard in the last second could not be written'),
      );
    }
    await this.#store.close();
  }

  get now(): number {
    return this.#clock.hearing();
  }

  /** Milliseconds, for {@link hearingAt}. */
  get monotonic(): number {
    return this.#clock.time.monotonic();
  }

  /** What the hearing clock showed, or would have shown, at that time. */
  hearingAt(monotonic: number): number {
    return this.now - (this.monotonic - monotonic);
  }

  /** Now, and the rules, for those who describe a cluster. */
  get moment(): Moment {
    return this.#context();
  }

  get entries(): Iterable<ClusterEntry> {
    return this.#entries.values();
  }

  /** The cluster, if it was ever heard of. */
  find(key: string): ClusterEntry | undefined {
    return this.#entries.get(key);
  }

  /** Whether a cluster of this product was ever founded; the official texts tell it from an unknown cluster. */
  knowsProduct(product: string): boolean {
    return [...this.#entries.values()].some(
      ({ cluster }) => cluster.product === product && cluster.epoch > 0,
    );
  }

  health(): Health {
    return {
      ...(this.#outage ? { outage: this.#outage } : {}),
      hasList: [...this.#entries.values()].some(({ cluster }) => cluster.members.size > 0),
      isCurrent: this.#standing.isCurrent(false),
      servers: this.#store.isShared ? this.#others + 1 : undefined,
      grace: Math.max(0, Math.max(this.#graceUntil, this.#scene.graceUntil) - this.now),
    };
  }

  /**
   * The list that may be sent to an address, or to one that did not say who it is; undefined when it takes a decision
   * or may be out of date. What a connection was sent last is not out of date for its caller.
   */
  listFor(entry: ClusterEntry, address: Address | undefined, sent?: Sent): Cluster | undefined {
    const list = entry.listFor(address);
    if (!list || this.#standing.isCurrent(entry.isPending)) return list;
    return sent?.list.revision === list.revision && performance.now() - sent.at < LATE_POLL
      ? list
      : undefined;
  }

  /**
   * R2: renews a listed member, in memory and at once. What its poll says anew is decided afterwards, since the answer
   * does not depend on it. False when it does: when the other servers take the member for silent, it is first decided
   * whether it still is one (R5).
   */
  renew(entry: ClusterEntry, member: Member, poll: PollRequest): boolean {
    const maySpeak = !this.#standing.hasOthers || (this.#outage && this.#standing.mayAnswerSilent());
    if (member.presence !== 'live' && !maySpeak) return false;
    hear(member.lease, this.now, poll.source === 'poll');
    if (!saysSomethingNew(member, poll) || this.#outage) return true;
    this.#transact(entry.cluster, { type: 'poll', ...poll }).catch((error: unknown) => this.#failed(error));
    return true;
  }

  /**
   * Registers or renews an address. One that must wait is held until it is listed, for at most `hold`
   * milliseconds; a signal that aborts meanwhile says that the caller is gone.
   */
  async poll(key: ClusterKey, poll: PollRequest, hold: number, signal: AbortSignal): Promise<PollAnswer> {
    const heldSince = performance.now();
    const listed = (entry: ClusterEntry): Promise<PollAnswer> =>
      this.#listInTime(entry, poll.address, hold - (performance.now() - heldSince), signal);
    const known = this.find(keyOf(key));
    const member = known?.cluster.members.get(poll.address);
    if (known && member && this.renew(known, member, poll)) return listed(known);
    try {
      const reply =
        this.#stillWaits(known, poll) ?? (await this.#transactInTime(key, { type: 'poll', ...poll })).reply;
      if (reply.type === 'refused') return reply;
      // Only now: a tick forgets the entry of a cluster of which nothing is decided yet.
      const entry = this.#entryOf(key);
      // Asked of the list itself: a leave may have come in between, and no caller gets a list without itself.
      if (entry.cluster.members.has(poll.address)) return await listed(entry);
      if (reply.type !== 'waiting')
        return { type: 'waiting', reason: `${poll.address} was just taken off the list` };
      const left = hold - (performance.now() - heldSince);
      if (await entry.until(({ members }) => members.has(poll.address), left, signal)) {
        return await listed(entry);
      }
      if (signal.aborted && !this.#outage) {
        await this.#transact(key, { type: 'abandon', address: poll.address });
      }
      return { type: 'waiting', reason: reply.reason };
    } catch (error) {
      const reason = this.#unavailable(error);
      if (known && member && this.#standing.mayAnswerSilent()) {
        hear(member.lease, this.now, poll.source === 'poll');
        return listed(known);
      }
      return { type: 'unavailable', reason };
    }
  }

  /** What an address that waits already is told when its poll changes nothing; what was heard of it is exchanged. */
  #stillWaits(known: ClusterEntry | undefined, poll: PollRequest): Reply | undefined {
    if (!known?.cluster.waiting.has(poll.address) || this.#outage) return undefined;
    const { cluster, reply } = decide(known.cluster, { type: 'poll', ...poll }, this.#context());
    return cluster === known.cluster && reply.type === 'waiting' ? reply : undefined;
  }

  /** The list of a listed caller, as soon as it is certain that the other servers would send the same. */
  async #listInTime(
    entry: ClusterEntry,
    address: Address,
    hold: number,
    signal: AbortSignal,
  ): Promise<PollAnswer> {
    await entry.until(() => this.listFor(entry, address) !== undefined, hold, signal, TICK);
    const list = entry.cluster.members.has(address) ? this.listFor(entry, address) : undefined;
    return list ? { type: 'list', entry, list } : { type: 'unavailable', reason: this.outOfDate };
  }

  /** Why a list that is here may not be sent. */
  get outOfDate(): string {
    return this.#outage
      ? `the list may have changed elsewhere: the store is unavailable (${this.#outage.reason})`
      : 'the list is changing, and not every server has the change yet';
  }

  /** Resolves when the cluster has a list that may be sent, or with undefined after `hold` milliseconds. */
  async awaitList(key: ClusterKey, hold: number, signal: AbortSignal): Promise<Cluster | undefined> {
    const entry = this.#entryOf(key);
    const list = (): Cluster | undefined => {
      const found = this.listFor(entry, undefined);
      return found && found.members.size > 0 ? found : undefined;
    };
    await entry.until(() => list() !== undefined, hold, signal, TICK);
    return list();
  }

  /**
   * R4. With `wait` it resolves when every other live member has been sent a list without the address, after
   * at most that many milliseconds. Rejects with StoreUnavailable when nothing was changed.
   */
  async leave(key: ClusterKey, address: Address, wait: number, signal: AbortSignal): Promise<LeaveAnswer> {
    const { reply, cluster } = await this.#transactInTime(key, { type: 'leave', address, wait });
    const { revision } = cluster;
    if (reply.type === 'unknown') return { known: false, undelivered: [], revision };
    const entry = this.#entryOf(key);
    const without = (): Address[] => notFollowed(entry.cluster, revision, this.#context());
    await entry.until(() => without().length === 0, wait, signal, TICK);
    return { known: true, undelivered: without(), revision };
  }

  /** A command whose effect is stored when it resolves. Rejects with StoreUnavailable when nothing was changed. */
  command(
    key: ClusterKey,
    command: Extract<Command, { type: 'put' | 'delete' | 'recover' }>,
  ): Promise<Decided> {
    return this.#transactInTime(key, command);
  }

  events(query: EventQuery): Promise<readonly RecordedEvent[]> {
    return this.#store.events(query);
  }

  /** R10: a member's poll connection was closed; when its own end did it, that is what its process's death does. */
  connectionClosed(entry: ClusterEntry, address: Address, byPeer: boolean): void {
    const member = entry.cluster.members.get(address);
    if (member && byPeer) seeEnd(member.lease, this.now);
    if (member && this.rules.probe) void this.#probeMember(entry, member);
  }

  /** Lets time pass: grace after a pause, what the rules make of the silence, probes. */
  async tick(): Promise<void> {
    const deaf = this.#clock.tick();
    if (deaf > 0) {
      this.#log.warn(
        { deafMs: Math.round(deaf) },
        'the server was paused or its clock jumped; nobody is evicted for a while',
      );
      this.#startGrace();
    }
    if (this.#ticking) return;
    this.#ticking = true;
    try {
      const now = this.now;
      const due: ClusterEntry[] = [];
      for (const [name, entry] of this.#entries) {
        const { cluster } = entry;
        for (const member of cluster.members.values()) {
          if (wantsProbe(member, this.rules, now)) void this.#probeMember(entry, member);
        }
        if (needsTick(cluster, { now, rules: this.rules })) due.push(entry);
        else if (cluster.epoch === 0 && !entry.isWatched) this.#entries.delete(name);
      }
      if (!this.#outage) await Promise.all(due.map((entry) => this.#tickOne(entry)));
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#ticking = false;
    }
  }

  /** Decides in memory first: most passes change nothing, and then the store is not asked. */
  async #tickOne(entry: ClusterEntry): Promise<void> {
    const { cluster } = entry;
    if (decide(cluster, { type: 'tick' }, this.#context()).cluster === cluster) return;
    await this.#transact(cluster, { type: 'tick' });
  }

  async #probeMember(entry: ClusterEntry, member: Member): Promise<void> {
    const { address } = member;
    const name = `${keyOf(entry.cluster)} ${address}`;
    if (this.#probing.has(name) || this.#probing.size >= MAX_PROBES) return;
    this.#probing.add(name);
    const askedAt = this.now;
    try {
      const answer = await this.#probe.probe(address);
      const current = entry.cluster.members.get(address);
      if (!current) return;
      observeProbe(current, answer, this.now, askedAt);
      if (!this.#outage) await this.#tickOne(entry);
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#probing.delete(name);
    }
  }

  /**
   * Writes renewals and hears of the other servers; at the same time the check whether the store is there. One at a
   * time.
   */
  exchange(): Promise<void> {
    if (this.#exchanging) {
      if (this.now - this.#exchangedAt > STORE_TIMEOUT) this.#failed(new StoreUnavailable(NO_ANSWER));
      return this.#exchanging;
    }
    this.#exchangedAt = this.now;
    this.#exchanging = (this.#isOpen ? this.#exchange() : this.#open())
      .catch((error: unknown) => this.#failed(this.#asOutage(error)))
      .finally(() => (this.#exchanging = undefined));
    return this.#exchanging;
  }

  /** A store that is there but lets nobody exchange is one that does not answer, after the same time (R9). */
  #asOutage(error: unknown): unknown {
    if (error instanceof StoreUnavailable && !(error instanceof StoreBusy)) return error;
    if (performance.now() - this.#exchangedLast < STORE_TIMEOUT) return error;
    return new StoreUnavailable(error instanceof Error ? error.message : String(error), { cause: error });
  }

  async #exchange(): Promise<void> {
    const mark = this.#standing.mark();
    if (!this.#standing.isCurrent(false)) for (const entry of this.#entries.values()) entry.distrust();
    const { scene, deaf, others, soon } = await this.#store.exchange(this.#report());
    // By the own clock: the shared one stood still meanwhile.
    const away = this.#outage ? this.now - this.#outage.since : 0;
    this.#standing.reached(mark, others > 0);
    this.#others = others;
    this.#scene = scene;
    if (this.#store.isShared) {
      this.#clock.follow(scene.now);
      this.#graceUntil = Math.min(this.#graceUntil, scene.now + graceTime(this.rules));
    }
    this.#exchangedLast = performance.now();
    this.#recovered(away);
    if (soon) this.#exchangeIn(SOON);
    if (deaf > 0) await this.#missed(deaf);
  }

  /** Plans the next exchange; one that is due earlier stays. */
  #exchangeIn(ms: number): void {
    const at = performance.now() + ms;
    if (this.#stopped || (this.#nextExchange && at >= this.#nextExchange.at)) return;
    clearTimeout(this.#nextExchange?.timer);
    const timer = setTimeout(() => {
      this.#nextExchange = undefined;
      this.#exchangeIn(this.#store.pace);
      void this.exchange();
    }, ms);
    this.#nextExchange = { at, timer };
  }

  #report(): Report {
    const isWaiting = [...this.#entries.values()].some(
      ({ cluster, isWatched }) => isWatched || needsTick(cluster, { now: this.now, rules: this.rules }),
    );
    return {
      hearing: this.now,
      graceUntil: this.#graceUntil,
      grace: graceTime(this.rules),
      patience: this.rules.memberTtl / 5,
      isWaiting,
      isLast: false,
    };
  }

  async #open(): Promise<void> {
    const mark = this.#standing.mark();
    try {
      const { hearing, attended } = await this.#store.open(this);
      this.#clock.resumeAt(hearing);
      this.#standing.reached(mark, this.#store.isShared);
      this.#isOpen = true;
      this.#exchangedLast = performance.now();
      if (this.#outage && this.#outage.reason !== UNREACHED) this.#log.warn('the store is reached at last');
      this.#outage = undefined;
      if (this.health().hasList) this.#startGrace();
      if (!attended) await this.#resume();
    } catch (error) {
      const isFirst = this.#outage?.reason === UNREACHED;
      const mayPass = error instanceof StoreUnavailable || (error instanceof StoreRefused && !isFirst);
      if (!mayPass) throw error;
      if (this.#outage?.reason === error.message) return;
      this.#outage = { since: this.now, reason: error.message };
      this.#log.error(
        { reason: error.message },
        'the store cannot be reached; nobody is answered until it is',
      );
    }
  }

  /** Nobody could hear for a while. */
  async #missed(deaf: number): Promise<void> {
    this.#log.warn({ deafMs: Math.round(deaf) }, 'no server could hear; nobody is evicted for a while');
    this.#startGrace();
    await this.#resume();
  }

  /** Who waited is not known to wait still. */
  async #resume(): Promise<void> {
    for (const { cluster } of [...this.#entries.values()]) {
      if (cluster.waiting.size > 0) await this.#transact(cluster, { type: 'resume' });
    }
  }

  /** The store tells of a cluster that became another. */
  changed(cluster: Cluster, pending: boolean): void {
    this.#entryOf(cluster).replace(cluster, pending);
    if (pending) this.#exchangeIn(SOON);
  }

  unsure(cluster: Cluster): void {
    this.#entryOf(cluster).distrust();
  }

  #context(scene: Scene = this.#scene): Context {
    return {
      now: this.now,
      rules: this.rules,
      graceUntil: Math.max(this.#graceUntil, scene.graceUntil),
      ...given('othersKnow', scene.othersKnow),
      clusters: this.#entries.size,
    };
  }

  async #transact(key: ClusterKey, command: Command): Promise<Decided> {
    if (this.#outage) throw new StoreUnavailable(this.#outage.reason);
    const decided = await this.#store
      .transact(key, (cluster, scene) =>
        decide(cluster, command, { ...this.#context(scene), now: scene.now, clusters: scene.clusters }),
      )
      .catch((error: unknown) => {
        throw this.#judged(error);
      });
    for (const event of decided.recorded) this.#logEvent(event);
    return decided;
  }

  /**
   * Whether a shared store is there is for the exchange to say: a decision also fails when another server holds on to
   * the cluster.
   */
  #judged(error: unknown): unknown {
    if (!this.#store.isShared || !(error instanceof StoreUnavailable) || error instanceof StoreBusy)
      return error;
    this.#exchangeIn(0);
    return new StoreBusy(error.message, { cause: error });
  }

  #transactInTime(key: ClusterKey, command: Command): Promise<Decided> {
    return this.#inTime(this.#transact(key, command));
  }

  /** A caller does not wait longer for the store than it would be patient itself. */
  async #inTime<T>(work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        // A store of its own that is late is not there; one that others use too may be busy, and the exchange tells.
        const Failure = this.#store.isShared ? StoreBusy : StoreUnavailable;
        reject(new Failure(`${NO_ANSWER}; whether the change was made is not known`));
      }, STORE_TIMEOUT);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #entryOf(key: ClusterKey): ClusterEntry {
    const name = keyOf(key);
    let entry = this.#entries.get(name);
    if (!entry) this.#entries.set(name, (entry = new ClusterEntry(key)));
    return entry;
  }

  #startGrace(): void {
    this.#graceUntil = this.now + graceTime(this.rules);
  }

  #recovered(away: number): void {
    if (!this.#outage) return;
    this.#outage = undefined;
    this.#saidReasons.clear();
    this.#startGrace();
    this.#log.warn(
      { outageSeconds: Math.round(away / 1_000) },
      'the store is back; nobody is evicted for a while',
    );
  }

  /** R9: from here on lists are served from memory and nothing is decided, until a flush succeeds. */
  #failed(error: unknown): void {
    if (this.#stopped && error instanceof StoreUnavailable) return;
    if (error instanceof StoreBusy) {
      this.#log.warn({ reason: error.message }, 'a decision could not be made now');
      return;
    }
    if (!(error instanceof StoreUnavailable)) {
      this.#log.error({ err: error }, 'a decision failed; the cluster was left as it was');
      return;
    }
    const { message: reason } = error;
    if (this.#outage?.reason === reason) return;
    // What it fails of may change: connections that break first, and then a password that is not accepted.
    this.#outage = { since: this.#outage?.since ?? this.now, reason };
    if (this.#saidReasons.has(reason)) return;
    this.#saidReasons.add(reason);
    this.#log.error(
      { reason },
      'the store is unavailable; lists are served from memory and stay as they are',
    );
  }

  #unavailable(error: unknown): string {
    this.#failed(error);
    if (error instanceof StoreUnavailable) return `the store is unavailable (${error.message})`;
    return 'an internal error; see the server’s log';
  }

  #logEvent({ type, product, name, address, revision, reason }: RecordedEvent): void {
    const fields = { event: type, cluster: `${product}/${name}`, address, revision, reason };
    if (type === 'preserved') this.#log.error(fields, `quorum-lost: ${reason}`);
    else this.#log.info(fields, type);
  }
}
