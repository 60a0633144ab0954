import type { Logger } from 'pino';
import type { Address } from '../registry/address.js';
import { needsTick } from '../registry/advance.js';
import {
  optional,
  heldBy,
  isKnown,
  keyOf,
  type Cluster,
  type ClusterKey,
  type Member,
} from '../registry/cluster.js';
import {
  decide,
  saysSomethingNew,
  type Command,
  type Context,
  type Poll,
  type Refusal,
  type Reply,
} from '../registry/decide.js';
import type { RecordedEvent } from '../registry/events.js';
import { followed, unfollowed, type Unfollowed } from '../registry/leave.js';
import { hearPoll, seeEnd } from '../registry/lease.js';
import type { RuleContext } from '../registry/rule-context.js';
import {
  type Behind,
  StoreOutcomeUnknown,
  StoreUnavailable,
  type CommittedDecision,
  type EventQuery,
  type Probe,
  type StoreSnapshot,
  type Store,
} from '../registry/interfaces.js';
import { LATE_POLL, type Rules } from '../registry/rules.js';
import { within } from '../util/within.js';
import { ServedCluster } from './served-cluster.js';
import type { LeaseClock } from './lease-clock.js';
import { UNOBSERVED, type RuntimeObserver } from './observer.js';
import { Prober } from './prober.js';
import { RefusedCallers } from './refused-callers.js';
import { StoreSession, type LinkedRegistry } from './store-session.js';

/** The period of a tick: signs of death and opened gates are noticed within it. */
const TICK_INTERVAL_MS = 250;

/** First delay before the failed decision of a held poll is retried; it doubles with each try. */
const RETRY_INTERVAL_MS = 500;

export interface ServiceOptions {
  readonly store: Store;
  readonly clock: LeaseClock;
  readonly probe: Probe;
  readonly rules: Rules;
  readonly log: Logger;
  /** Observes what the service does; by default nothing does. */
  readonly observer?: RuntimeObserver;
}

/** What a caller reports about its node. */
export interface PollRequest {
  readonly address: Address;
  readonly source: 'poll' | 'heartbeat';
  readonly id?: string | undefined;
  readonly expect?: number | undefined;
  /** The revision that the node has, when a heartbeat reports it. */
  readonly revision?: number | undefined;
  /** True when a heartbeat reports that its Nacos was started and has not answered yet. */
  readonly starting?: boolean | undefined;
  /** When its connection was opened, on the service's monotonic clock. */
  readonly openedAt: number;
}

export type PollAnswer =
  | { readonly type: 'list'; readonly entry: ServedCluster; readonly cluster: Cluster }
  | { readonly type: 'waiting'; readonly why: 'bootstrapping' | 'gate' | 'left'; readonly reason: string }
  | { readonly type: 'refused'; readonly code: Refusal; readonly reason: string }
  | ({ readonly type: 'unavailable' } & Unavailable);

/** Why no list can be sent now. */
export interface Unavailable {
  readonly why:
    /** The store is out of reach, and without it no new address is listed (R9). */
    | 'store'
    /** The servers are agreeing on the newest list (see registry/agreement.ts). */
    | 'agreeing'
    | 'internal';
  readonly reason: string;
}

/** Notified when a caller that cannot be answered at once begins to be held, and when that ends. */
export interface HoldWatch {
  begin(): void;
  end(): void;
}

/**
 * Answers a poll that needs a decision but may be as old as a pause of the server. The node's next poll is
 * fresh.
 */
const STOOD_STILL = 'this server stood still until just now, and its callers may be gone: ask again';

const UNWATCHED: HoldWatch = { begin: () => undefined, end: () => undefined };

/** A caller whose request is kept open. */
interface Hold {
  /** Milliseconds until its hold must end. */
  readonly left: () => number;
  /** Aborts when the caller is gone. */
  readonly signal: AbortSignal;
  readonly watch: HoldWatch;
}

function holdFor(ms: number, signal: AbortSignal, watch: HoldWatch): Hold {
  const since = performance.now();
  return { left: () => ms - (performance.now() - since), signal, watch };
}

/** The list that was last sent on a connection. */
export interface Sent {
  readonly cluster: Cluster;
  /** performance.now(). */
  readonly at: number;
}

export interface LeaveAnswer extends Unfollowed {
  /** Why an operator's request was refused; nothing was changed then. */
  readonly refused?: string;
  /** False for an address that is not listed, does not wait and did not leave lately. */
  readonly known: boolean;
  readonly revision: number;
}

/** What the server's own health depends on. */
export interface Health {
  /** The store's error since its last success. */
  readonly outage?: { readonly since: number; readonly reason: string };
  /** Whether it holds a list that is not empty. */
  readonly hasList: boolean;
  /** False when other servers may have changed the lists since it lost the store. */
  readonly isCurrent: boolean;
  /**
   * How many servers kept these lists at its last contact, this one included; undefined for a store of its
   * own.
   */
  readonly servers: number | undefined;
  /** How many clusters are not served, since their stored data cannot be their state. */
  readonly damaged: number;
  /** Milliseconds of grace left (R8). */
  readonly grace: number;
}

/**
 * The running registry: holds every cluster in memory, has decisions made and stored, and lets time pass. It
 * contains no rule; `decide` alone determines what a list may become.
 */
export class RegistryService implements LinkedRegistry {
  readonly #clock: LeaseClock;
  readonly #prober: Prober;
  readonly #log: Logger;
  readonly #observer: RuntimeObserver;
  readonly rules: Rules;
  /** The callers that this server refused; they affect no decision. */
  readonly refused: RefusedCallers;

  readonly #entries = new Map<string, ServedCluster>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #eventListeners = new Set<(events: readonly RecordedEvent[]) => void>();
  readonly #session: StoreSession;
  /** How many addresses all clusters hold. */
  #addresses = 0;
  /**
   * What decisions that are being stored will add. Without it, many at once could exceed the limits together.
   */
  readonly #coming = { addresses: 0, clusters: 0 };
  #ticking = false;
  /** Whether the last tick found a cluster that needs ticks. */
  #isUnquiet = false;

  constructor({ store, clock, probe, rules, log, observer = UNOBSERVED }: ServiceOptions) {
    this.#clock = clock;
    this.#prober = new Prober({ probe, rules, log, observer, now: () => this.now });
    this.#log = log;
    this.#observer = observer;
    this.rules = rules;
    this.refused = new RefusedCallers(() => this.monotonic);
    this.#session = new StoreSession({ store, clock, rules, log, observer }, this);
  }

  /**
   * Loads what is stored, starts the grace of a restart (R8) and lets time run. Rejects with StoreRefused
   * when the store must not be used. Retries a store that is out of reach; until it opens, no caller is
   * answered.
   */
  async start(): Promise<void> {
    await this.#session.start();
    this.#timers.push(setInterval(() => void this.tick(), TICK_INTERVAL_MS));
  }

  /** Writes what was heard last and closes the store. */
  async stop(): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    await this.#session.stop();
  }

  /** Whether a port is being probed. */
  get isProbing(): boolean {
    return this.#prober.isBusy;
  }

  /** Syncs with the store now. */
  sync(): Promise<void> {
    return this.#session.sync();
  }

  get now(): number {
    return this.#clock.now();
  }

  /**
   * Milliseconds on the process's monotonic clock, which unlike the lease clock never follows other servers.
   */
  get monotonic(): number {
    return this.#clock.time.monotonic();
  }

  /** Whether other servers may keep the same lists. */
  get isShared(): boolean {
    return this.#session.servers !== undefined;
  }

  /**
   * Whether a request that is read now may have waited through a pause, while the clock went on with the
   * other servers. Such a request causes no decision. For a server with a store of its own, no time passed
   * meanwhile.
   */
  get #readsWhatWaited(): boolean {
    return this.isShared && this.#clock.readsWhatWaited;
  }

  /** The time, the rules and what else is known of a cluster, for its views. */
  contextOf(entry: ServedCluster): RuleContext {
    return this.#context(entry);
  }

  get entries(): Iterable<ServedCluster> {
    return this.#entries.values();
  }

  /** The cluster with this key, if the server has it. */
  find(key: string): ServedCluster | undefined {
    return this.#entries.get(key);
  }

  /**
   * Whether a cluster of this product was ever bootstrapped; the official API's answer to an unknown cluster
   * depends on it.
   */
  knowsProduct(product: string): boolean {
    return [...this.#entries.values()].some(
      ({ cluster }) => cluster.product === product && cluster.epoch > 0,
    );
  }

  health(): Health {
    return {
      ...optional('outage', this.#session.outage),
      hasList: this.hasList,
      isCurrent: this.#session.servingLease.isValid(),
      servers: this.#session.servers,
      damaged: [...this.#entries.values()].filter(({ cluster }) => cluster.damage !== undefined).length,
      grace: Math.max(0, this.#session.graceUntil - this.now),
    };
  }

  /** Whether any cluster has a list. */
  get hasList(): boolean {
    return [...this.#entries.values()].some(({ cluster }) => cluster.members.size > 0);
  }

  /** Whether a caller waits for what other servers hear, or a cluster needs ticks. */
  get isWaiting(): boolean {
    return this.#isUnquiet || [...this.#entries.values()].some((entry) => entry.isWatched);
  }

  /**
   * The list that may be sent to an address, or to a caller without `self`. Undefined when that needs a
   * decision, or when the list may be out of date. The list that a connection was sent last stays current for
   * its caller until {@link LATE_POLL} later.
   */
  listFor(entry: ServedCluster, address: Address | undefined, sent?: Sent): Cluster | undefined {
    const list = entry.listFor(address);
    if (!list || this.#session.servingLease.isValid()) return list;
    return sent?.cluster.revision === list.revision && performance.now() - sent.at < LATE_POLL
      ? list
      : undefined;
  }

  /**
   * R2: renews a listed member, in memory and at once. News in its poll is decided afterwards, since the
   * answer does not depend on it. Returns false when the answer does: when the other servers take the member
   * for silent, or this one is storing its eviction, a decision must first show whether it is still a member
   * (R5). A poll that waited in a socket while the server stood still proves that the node lived then; it
   * causes no decision.
   */
  renew(entry: ServedCluster, member: Member, poll: PollRequest): boolean {
    const maySpeak =
      !this.#session.servingLease.hasOthers ||
      (this.#session.outage && this.#session.servingLease.mayAnswerForSilent());
    if (member.presence !== 'live' && (!maySpeak || entry.isDropped(member.address))) return false;
    this.#hear(entry, member, poll);
    if (!saysSomethingNew(member, poll) || this.#session.outage || this.#readsWhatWaited) return true;
    this.#transact(entry.cluster, this.#pollOf(poll)).catch((error: unknown) => this.#session.failed(error));
    return true;
  }

  /**
   * Registers or renews an address. One that must wait is held until it is listed, for at most `hold`
   * milliseconds. The signal aborts when the caller is gone.
   */
  async poll(
    key: ClusterKey,
    poll: PollRequest,
    hold: number,
    signal: AbortSignal,
    watch = UNWATCHED,
  ): Promise<PollAnswer> {
    const held = holdFor(hold, signal, watch);
    const known = this.find(keyOf(key));
    const member = known?.cluster.members.get(poll.address);
    if (known && member && this.renew(known, member, poll)) {
      return this.#listInTime(known, poll.address, held);
    }
    if (this.#readsWhatWaited) {
      await this.#hold(held, this.#entryOf(key), () => false);
      return { type: 'waiting', why: 'gate', reason: STOOD_STILL };
    }
    for (let tries = 0; ; tries++) {
      try {
        const answer = await this.#decideOn(key, poll, held, tries === 0 ? undefined : held.left());
        if (answer) return answer;
      } catch (error) {
        const answer = await this.#undecided(error, key, poll, held, tries, known, member);
        if (answer) return answer;
      }
    }
  }

  /** Has a poll decided and waits for the outcome; undefined when it must be decided once more. */
  async #decideOn(
    key: ClusterKey,
    poll: PollRequest,
    held: Hold,
    limit: number | undefined,
  ): Promise<PollAnswer | undefined> {
    const { address } = poll;
    const reply = await this.#register(key, poll, limit);
    if (reply.type === 'refused') return reply;
    // Looked up only now: a tick may have dropped the entry of a cluster without any decision yet.
    const entry = this.#entryOf(key);
    // The list itself counts: a leave may have come in between, and no caller gets a list without itself.
    if (entry.cluster.members.has(address)) {
      this.#noteDelivered(entry, poll);
      return this.#listInTime(entry, address, held);
    }
    if (reply.type !== 'waiting') {
      return { type: 'waiting', why: 'left', reason: `${address} was just taken off the list` };
    }
    if (await this.#hold(held, entry, isOver(address, reply.why))) {
      if (entry.cluster.members.has(address)) return this.#listInTime(entry, address, held);
      // The caller is here but no longer waits: no server could hear for a while (resume), or another
      // connection of it ended.
      if (held.left() > 0) return undefined;
    }
    if (held.signal.aborted && !this.#session.outage) await this.#transact(key, { type: 'abandon', address });
    return reply;
  }

  /**
   * Answers a poll whose decision failed or has an unknown outcome; undefined when it may be retried. `known`
   * and `member`: the cluster and member when the poll came.
   */
  async #undecided(
    error: unknown,
    key: ClusterKey,
    poll: PollRequest,
    held: Hold,
    tries: number,
    known: ServedCluster | undefined,
    member: Member | undefined,
  ): Promise<PollAnswer | undefined> {
    const unavailable = this.#unavailable(error);
    if (
      known &&
      member &&
      this.#session.servingLease.mayAnswerForSilent() &&
      !known.isDropped(member.address)
    ) {
      this.#hear(known, member, poll);
      return this.#listInTime(known, poll.address, held);
    }
    // A silent member's poll needs a decision whether it still is one; that it is listed proves nothing.
    const isListed = ({ members }: Cluster): boolean => !member && members.has(poll.address);
    const entry = this.#entryOf(key);
    if (unavailable.why === 'store' && (await this.#mayTryAgain(entry, isListed, tries, held))) {
      return isListed(entry.cluster) ? this.#listInTime(entry, poll.address, held) : undefined;
    }
    return { type: 'unavailable', ...unavailable };
  }

  /** Has a poll decided. `limit`: milliseconds after which the caller must be answered in any case. */
  async #register(key: ClusterKey, poll: PollRequest, limit?: number): Promise<Reply> {
    const still = this.#stillWaits(this.find(keyOf(key)), poll);
    if (still) return still;
    const decided = this.#transactInTime(key, this.#pollOf(poll)).then(({ reply }) => reply);
    if (limit === undefined) return decided;
    return within(
      limit,
      decided,
      () => new StoreOutcomeUnknown('the decision took longer than the poll may'),
    );
  }

  /**
   * Waits after a failed decision, or one with an unknown outcome. True as soon as it may be retried or turns
   * out to have been made, so that a held caller needs no further poll. False when the hold is over.
   */
  #mayTryAgain(
    entry: ServedCluster,
    isListed: (cluster: Cluster) => boolean,
    tries: number,
    held: Hold,
  ): Promise<boolean> {
    const again = performance.now() + RETRY_INTERVAL_MS * 2 ** tries;
    const isTime = (): boolean => !this.#session.outage && performance.now() >= again;
    return this.#hold(held, entry, (cluster) => isListed(cluster) || isTime(), TICK_INTERVAL_MS);
  }

  #hear(entry: ServedCluster, member: Member, poll: PollRequest): void {
    hearPoll(member.lease, poll, this.#clock.saidAt());
    entry.markHealthy(member.address);
    this.#noteDelivered(entry, poll);
  }

  /** Notes the list revision that a heartbeat reports for its Nacos. */
  #noteDelivered(entry: ServedCluster, { address, revision }: PollRequest): void {
    if (revision === undefined) return;
    const { cluster } = entry;
    if (revision <= cluster.revision) return entry.delivered(address, revision, this.now);
    // The node's list is from a database that was replaced since. Without a list here, nothing is
    // bootstrapped then (set-back.ts).
    if (!entry.isSetBack(revision)) return;
    this.#log.error(
      { cluster: keyOf(cluster), address, nodeRevision: revision, revision: cluster.revision },
      'a node has a newer list than this database: it was replaced or set back. Bring the right one back, or compare the list with the nodes (doctor)',
    );
  }

  #pollOf({ openedAt, ...poll }: PollRequest): Poll {
    return { type: 'poll', ...poll, connectedAt: this.now - (this.monotonic - openedAt) };
  }

  /**
   * The reply to an address that already waits, when its poll changes nothing; a sync shares what was heard.
   */
  #stillWaits(known: ServedCluster | undefined, poll: PollRequest): Reply | undefined {
    if (!known?.cluster.waiting.has(poll.address) || this.#session.outage) return undefined;
    const { cluster, reply } = decide(known.cluster, this.#pollOf(poll), this.#context(known));
    return cluster === known.cluster && reply.type === 'waiting' ? reply : undefined;
  }

  /** Answers a listed caller with the list, as soon as every other server would send the same one. */
  async #listInTime(entry: ServedCluster, address: Address, held: Hold): Promise<PollAnswer> {
    await this.#hold(held, entry, () => this.listFor(entry, address) !== undefined, TICK_INTERVAL_MS);
    const list = entry.cluster.members.has(address) ? this.listFor(entry, address) : undefined;
    return list ? { type: 'list', entry, cluster: list } : { type: 'unavailable', ...this.outOfDate };
  }

  /**
   * Holds a caller until a condition is met, as {@link ServedCluster.until} does, and reports the hold to its
   * watch.
   */
  async #hold(
    { left, signal, watch }: Hold,
    entry: ServedCluster,
    met: (cluster: Cluster) => boolean,
    every?: number,
  ): Promise<boolean> {
    if (met(entry.cluster)) return true;
    const timeout = left();
    if (timeout <= 0) return false;
    watch.begin();
    const isMet = await entry.until(met, timeout, signal, every);
    watch.end();
    return isMet;
  }

  /** Why a list that this server holds may not be sent. */
  get outOfDate(): Unavailable {
    const { outage } = this.#session;
    if (!outage) {
      return { why: 'agreeing', reason: 'the list is changing, and not every server has the change yet' };
    }
    const reason = `the list may have changed elsewhere: the store is unavailable (${outage.reason})`;
    return { why: 'store', reason };
  }

  /** Resolves when the cluster has a list that may be sent, or with undefined after `hold` milliseconds. */
  async awaitCluster(
    key: ClusterKey,
    hold: number,
    signal: AbortSignal,
    watch = UNWATCHED,
  ): Promise<Cluster | undefined> {
    const entry = this.#entryOf(key);
    const list = (): Cluster | undefined => {
      const found = this.listFor(entry, undefined);
      return found && found.members.size > 0 ? found : undefined;
    };
    await this.#hold(holdFor(hold, signal, watch), entry, () => list() !== undefined, TICK_INTERVAL_MS);
    return list();
  }

  /**
   * R4: takes an address off the list. With `wait`, resolves when every other live member was sent a list
   * without it, after at most so many milliseconds. `operator` is set unless the member itself leaves.
   * Rejects with StoreUnavailable when nothing was changed, with StoreOutcomeUnknown when that is not known.
   */
  async leave(
    key: ClusterKey,
    address: Address,
    wait: number,
    signal: AbortSignal,
    operator?: { readonly force: boolean },
  ): Promise<LeaveAnswer> {
    const { reply, cluster } = await this.#transactInTime(key, { type: 'leave', address, wait, operator });
    const { revision } = cluster;
    if (reply.type === 'refused') {
      return { known: true, refused: reply.reason, pendingMembers: [], votes: [], revision };
    }
    if (reply.type === 'unknown') return { known: false, pendingMembers: [], votes: [], revision };
    const entry = this.#entryOf(key);
    const left = { address, revision };
    const isFollowed = followed(left);
    await entry.until((newest) => isFollowed(newest, this.#context(entry)), wait, signal, TICK_INTERVAL_MS);
    return { known: true, ...unfollowed(entry.cluster, left, this.#context(entry)), revision };
  }

  /**
   * Notes that a member's agent reports a Nacos that does not answer; this renews nothing. Agents repeat the
   * report every few seconds. The first one is decided and recorded, and the member's port is probed at once
   * (R10). False for an address that is not listed.
   */
  reportUnhealthy(entry: ServedCluster, address: Address, problem: string): boolean {
    const member = entry.cluster.members.get(address);
    if (!member) return false;
    const isNew = !this.isUnhealthy(entry, address);
    entry.markUnhealthy(address, problem, this.now);
    if (!isNew) return true;
    void this.#recordAiling(entry, member, problem);
    return true;
  }

  async #recordAiling(entry: ServedCluster, member: Member, problem: string): Promise<void> {
    try {
      const { address } = member;
      // Unless this report is recorded, the next one must count as the first.
      if (this.#session.outage) entry.markHealthy(address);
      else await this.#transact(entry.cluster, { type: 'unhealthy', address, problem });
      // Probe only now: a member found down first would get no event for this report.
      if (this.rules.probe) await this.#probeMember(entry, member);
    } catch (error) {
      entry.markHealthy(member.address);
      this.#session.failed(error);
    }
  }

  /** Whether a member's agent reported within the TTL that its Nacos does not answer. */
  isUnhealthy(entry: ServedCluster, address: Address): boolean {
    return entry.problemOf(address, this.now, this.rules.memberTtl) !== undefined;
  }

  /**
   * Resolves when the list to send to a listed address differs from that of `revision`, or when the address
   * is not listed any more; after `wait` milliseconds at the latest.
   */
  async otherList(
    entry: ServedCluster,
    address: Address,
    revision: number,
    wait: number,
    signal: AbortSignal,
    watch: HoldWatch = UNWATCHED,
  ): Promise<void> {
    const isOther = ({ members }: Cluster): boolean => {
      const list = this.listFor(entry, address);
      return !members.has(address) || (list !== undefined && list.revision !== revision);
    };
    await this.#hold(holdFor(wait, signal, watch), entry, isOther, TICK_INTERVAL_MS);
  }

  /**
   * Runs a command and resolves once its effect is stored. Rejects with StoreUnavailable when nothing was
   * changed, with StoreOutcomeUnknown when that is not known.
   */
  command(
    key: ClusterKey,
    command: Extract<Command, { type: 'put' | 'delete' | 'adopt' | 'recover' | 'repair' | 'forget' }>,
  ): Promise<CommittedDecision> {
    return this.#transactInTime(key, command);
  }

  /**
   * Records in a known cluster's history that a caller that named it was refused. Skipped during an outage.
   */
  recordRefused({ cluster }: ServedCluster, reason: string, address: Address | undefined): void {
    if (this.#session.outage) return;
    this.#transact(cluster, { type: 'refused', reason, address }).catch((error: unknown) =>
      this.#session.failed(error),
    );
  }

  events(query: EventQuery): Promise<readonly RecordedEvent[]> {
    return this.#session.events(query);
  }

  /**
   * Passes this server's own events to a listener as soon as they are stored. Returns a function that ends
   * it.
   */
  onEvents(listener: (events: readonly RecordedEvent[]) => void): () => void {
    this.#eventListeners.add(listener);
    return () => void this.#eventListeners.delete(listener);
  }

  /**
   * R10: a member's poll connection was closed. `byPeer`: the member's end closed it, as its process's death
   * also does.
   */
  connectionClosed(entry: ServedCluster, address: Address, byPeer: boolean): void {
    const member = entry.cluster.members.get(address);
    if (member && byPeer) seeEnd(member.lease, this.#clock.saidAt());
    if (member && this.rules.probe) void this.#probeMember(entry, member);
  }

  /** Lets time pass: starts a grace after a pause, applies the rules to silences, and sends probes. */
  async tick(): Promise<void> {
    const missedMs = this.#clock.tick();
    if (missedMs > 0) {
      this.#log.warn(
        { missedMs: Math.round(missedMs) },
        'the server was paused or its clock jumped; no member is evicted for a while',
      );
      this.#session.startGrace();
    }
    if (this.#ticking) return;
    this.#ticking = true;
    try {
      const now = this.now;
      const due: ServedCluster[] = [];
      for (const { entry, member } of this.#prober.due(this.#entries.values())) {
        void this.#probeMember(entry, member);
      }
      for (const [name, entry] of this.#entries) {
        const { cluster } = entry;
        if (needsTick(cluster, { now, rules: this.rules })) due.push(entry);
        else if (cluster.epoch === 0 && cluster.damage === undefined && !entry.isWatched)
          this.#entries.delete(name);
      }
      this.#isUnquiet = due.length > 0;
      if (!this.#session.outage) await Promise.all(due.map((entry) => this.#tickOne(entry)));
    } catch (error) {
      this.#session.failed(error);
    } finally {
      this.#ticking = false;
    }
  }

  /** Decides in memory first: most ticks change nothing and need no store. */
  async #tickOne(entry: ServedCluster): Promise<void> {
    const { cluster } = entry;
    if (decide(cluster, { type: 'tick' }, this.#context(entry)).cluster === cluster) return;
    await this.#transact(cluster, { type: 'tick' });
  }

  async #probeMember(entry: ServedCluster, member: Member): Promise<void> {
    try {
      const isLearned = await this.#prober.probe(entry, member);
      if (isLearned && !this.#session.outage) await this.#tickOne(entry);
    } catch (error) {
      this.#session.failed(error);
    }
  }

  /** No server could hear for a while: waiting nodes may be gone, and a repair has stopped. */
  async resume(): Promise<void> {
    for (const { cluster } of [...this.#entries.values()]) {
      if (cluster.waiting.size > 0 || cluster.repair) await this.#transact(cluster, { type: 'resume' });
    }
  }

  /** Called by the store for every cluster that changed. */
  changed(cluster: Cluster, sent: Cluster | undefined): void {
    const entry = this.#entryOf(cluster);
    const { damage } = cluster;
    if (damage !== entry.cluster.damage) {
      if (damage !== undefined)
        this.#log.error({ cluster: keyOf(cluster), reason: damage }, 'a cluster is damaged');
      else this.#log.warn({ cluster: keyOf(cluster) }, 'the damaged cluster is whole again');
    }
    this.#addresses += heldBy(cluster) - heldBy(entry.cluster);
    entry.replace(cluster, sent);
    if (entry.isPending) this.#session.exchangeSoon();
  }

  catchUp(now: number): Behind {
    return this.#clock.catchUp(now);
  }

  telling(): void {
    this.#session.servingLease.telling();
  }

  lost(): void {
    this.#session.servingLease.lose();
    for (const entry of this.#entries.values()) entry.distrust();
  }

  #context(entry: ServedCluster | undefined, scene: StoreSnapshot = this.#session.scene): Context {
    return {
      now: this.now,
      rules: this.rules,
      graceUntil: this.#clock.isBehind ? Infinity : Math.max(this.#session.graceUntil, scene.graceUntil),
      ...optional('othersKnow', scene.othersKnow),
      ...optional('raft', entry?.evidence),
      clusters: this.#entries.size,
      addresses: this.#addresses + this.#coming.addresses,
    };
  }

  async #transact(key: ClusterKey, command: Command): Promise<CommittedDecision> {
    const entry = this.find(keyOf(key));
    let isStored = (): void => undefined;
    let coming = { addresses: 0, clusters: 0 };
    const come = (next: typeof coming): void => {
      this.#coming.addresses += next.addresses - coming.addresses;
      this.#coming.clusters += next.clusters - coming.clusters;
      coming = next;
    };
    const decided = await this.#session
      .transact(key, (cluster, scene) => {
        // The store may run the decision more than once.
        isStored();
        come({ addresses: 0, clusters: 0 });
        const outcome = decide(cluster, command, {
          ...this.#context(entry, scene),
          now: scene.now,
          ...optional('isLeft', scene.isLeft),
          clusters: scene.clusters + this.#coming.clusters,
        });
        const gone = goneFrom(cluster, outcome.cluster);
        if (entry && gone.size > 0) isStored = entry.dropping(gone);
        const isNew = !isKnown(cluster) && isKnown(outcome.cluster);
        come({ addresses: Math.max(0, heldBy(outcome.cluster) - heldBy(cluster)), clusters: Number(isNew) });
        return outcome;
      })
      .finally(() => {
        isStored();
        come({ addresses: 0, clusters: 0 });
      });
    for (const event of decided.recorded) {
      this.#observer.decided(event.type);
      this.#logEvent(event);
    }
    if (decided.recorded.length > 0) this.#tell(decided.recorded);
    return decided;
  }

  #transactInTime(key: ClusterKey, command: Command): Promise<CommittedDecision> {
    return this.#session.inTime(this.#transact(key, command));
  }

  #entryOf(key: ClusterKey): ServedCluster {
    const name = keyOf(key);
    let entry = this.#entries.get(name);
    if (!entry) this.#entries.set(name, (entry = new ServedCluster(key)));
    return entry;
  }

  #unavailable(error: unknown): Unavailable {
    this.#session.failed(error);
    return error instanceof StoreUnavailable
      ? { why: 'store', reason: `the store is unavailable (${error.message})` }
      : { why: 'internal', reason: 'an internal error; see the server’s log' };
  }

  /** Passes events on. A listener that throws cannot undo or block the decision. */
  #tell(events: readonly RecordedEvent[]): void {
    for (const listener of this.#eventListeners) {
      try {
        listener(events);
      } catch (error) {
        this.#log.error({ err: error }, 'an event listener failed');
      }
    }
  }

  #logEvent({ type, product, name, address, revision, reason }: RecordedEvent): void {
    // The code that refused the caller has logged it, with more details.
    if (type === 'refused') return;
    const fields = { event: type, cluster: `${product}/${name}`, address, revision, reason };
    if (type === 'quorum-lost') this.#log.error(fields, `quorum-lost: ${reason}`);
    else if (type === 'set-back') this.#log.error(fields, `the database was set back: ${reason}`);
    else this.#log.info(fields, type);
  }
}

/**
 * Whether the hold of a poll is over: the address is listed, or it no longer waits. For an address that has
 * just left (R4), only being listed ends it.
 */
function isOver(address: Address, why: 'bootstrapping' | 'gate' | 'left'): (cluster: Cluster) => boolean {
  return ({ members, waiting }) => members.has(address) || (why !== 'left' && !waiting.has(address));
}

/** The members of one list that are missing from the next. */
function goneFrom(before: Cluster, after: Cluster): ReadonlySet<Address> {
  if (before.revision === after.revision) return new Set();
  return new Set([...before.members.keys()].filter((address) => !after.members.has(address)));
}
