import type { Logger } from 'pino';
import {
  StoreBusy,
  StoreOutcomeUnknown,
  StoreRefused,
  StoreUnavailable,
  type ClusterListener,
  type CommittedDecision,
  type EventQuery,
  type SyncRequest,
  type StoreSnapshot,
  type Store,
  type Work,
} from '../registry/interfaces.js';
import type { ClusterKey } from '../registry/cluster.js';
import type { RecordedEvent } from '../registry/events.js';
import { graceTime, type Rules } from '../registry/rules.js';
import type { LeaseClock } from './lease-clock.js';
import type { RuntimeObserver, StoreFailure, StoreOperation } from './observer.js';
import { ServingLease } from './serving-lease.js';

/** A store that has not answered for this long counts as unavailable. */
const STORE_TIMEOUT_MS = 2_000;

const NO_ANSWER = `the store has not answered for ${STORE_TIMEOUT_MS / 1_000} s`;

const UNREACHED = 'the store has not been reached yet';

/** How soon the next sync follows while several servers agree on a change. */
const AGREEING_INTERVAL_MS = 150;

/** The registry as its session with the store needs it. */
export interface LinkedRegistry extends ClusterListener {
  readonly hasList: boolean;
  /** Whether a caller waits for what other servers hear. */
  readonly isWaiting: boolean;
  /** No server could hear for a while: waiting nodes may be gone. */
  resume(): Promise<void>;
}

export interface StoreLinkOptions {
  readonly store: Store;
  readonly clock: LeaseClock;
  readonly rules: Rules;
  readonly log: Logger;
  readonly observer: RuntimeObserver;
}

/**
 * Connects the running registry to its store: opens it, syncs with it repeatedly and has decisions made in
 * it. It knows whether the store is there (R9), until when no member is evicted (R8), and how far this server
 * may speak for others.
 */
export class StoreSession {
  readonly #store: Store;
  readonly #clock: LeaseClock;
  readonly #rules: Rules;
  readonly #log: Logger;
  readonly #observer: RuntimeObserver;
  readonly #registry: LinkedRegistry;
  readonly servingLease: ServingLease;
  #graceUntil = 0;
  #outage: { since: number; reason: string } | undefined;
  /** Each reason is logged once in an outage, since two may alternate. */
  readonly #saidReasons = new Set<string>();
  #scene: StoreSnapshot = { now: 0, graceUntil: 0, clusters: 0 };
  #isOpen = false;
  #others = 0;
  #syncing: Promise<void> | undefined;
  #exchangedAt = 0;
  /** When the last sync succeeded, by performance.now(). */
  #exchangedLast = -Infinity;
  #nextSync: { readonly at: number; readonly timer: NodeJS.Timeout } | undefined;
  #stopped = false;

  constructor({ store, clock, rules, log, observer }: StoreLinkOptions, registry: LinkedRegistry) {
    this.#store = store;
    this.#clock = clock;
    this.#rules = rules;
    this.#log = log;
    this.#observer = observer;
    this.#registry = registry;
    this.servingLease = new ServingLease(clock.time);
  }

  /**
   * Opens the store. Rejects with StoreRefused when it must not be used; retries while it is out of reach.
   */
  async start(): Promise<void> {
    this.#outage = { since: this.#now, reason: UNREACHED };
    try {
      await this.#open();
    } catch (error) {
      // Otherwise its idle connections would keep the process from ending.
      await this.#store.close();
      throw error;
    }
    this.#exchangeIn(this.#store.pace);
  }

  /** Writes what was heard last and closes the store. */
  async stop(): Promise<void> {
    clearTimeout(this.#nextSync?.timer);
    this.#stopped = true;
    await this.inTime(this.#syncing ?? Promise.resolve()).catch(() => undefined);
    if (this.#isOpen) {
      const last = { ...this.#report(), isLast: true };
      await this.inTime(this.#ask('sync', () => this.#store.sync(last))).catch((error: unknown) =>
        this.#log.error({ err: error }, 'what was heard in the last second could not be written'),
      );
    }
    await this.#store.close();
  }

  /** Why the store is out of reach, and since when, on the lease clock; undefined while it is in reach. */
  get outage(): { readonly since: number; readonly reason: string } | undefined {
    return this.#outage;
  }

  /**
   * How many servers kept the lists at the last contact, this one included; undefined for a store of its own.
   */
  get servers(): number | undefined {
    return this.#store.isShared ? this.#others + 1 : undefined;
  }

  /** When the grace (R8) ends, this server's own or another's, on the lease clock. */
  get graceUntil(): number {
    return Math.max(this.#graceUntil, this.#scene.graceUntil);
  }

  /** What the store reported at the last sync. */
  get scene(): StoreSnapshot {
    return this.#scene;
  }

  get #now(): number {
    return this.#clock.now();
  }

  events(query: EventQuery): Promise<readonly RecordedEvent[]> {
    return this.#ask('events', () => this.#store.events(query));
  }

  async #ask<T>(operation: StoreOperation, call: () => Promise<T>): Promise<T> {
    const since = performance.now();
    try {
      const answer = await call();
      this.#observer.asked(operation, performance.now() - since);
      return answer;
    } catch (error) {
      this.#observer.asked(operation, performance.now() - since, failureOf(error));
      throw error;
    }
  }

  /**
   * Runs a decision in the store. Rejects with StoreUnavailable when nothing was changed, with
   * StoreOutcomeUnknown when that is not known.
   */
  async transact(key: ClusterKey, work: Work): Promise<CommittedDecision> {
    if (this.#outage) throw new StoreUnavailable(this.#outage.reason);
    try {
      return await this.#ask('transact', () => this.#store.transact(key, work));
    } catch (error) {
      throw this.#judged(error);
    }
  }

  /**
   * Writes renewals, learns what the other servers did, and so checks whether the store is there. One sync
   * runs at a time.
   */
  sync(): Promise<void> {
    if (this.#syncing) {
      if (this.#now - this.#exchangedAt > STORE_TIMEOUT_MS) this.failed(new StoreUnavailable(NO_ANSWER));
      return this.#syncing;
    }
    this.#exchangedAt = this.#now;
    this.#syncing = (this.#isOpen ? this.#sync() : this.#open())
      .catch((error: unknown) => this.failed(this.#asOutage(error)))
      .finally(() => (this.#syncing = undefined));
    return this.#syncing;
  }

  /** A store that can be reached but completes no sync counts as unavailable after the same time (R9). */
  #asOutage(error: unknown): unknown {
    if (error instanceof StoreUnavailable && !(error instanceof StoreBusy)) return error;
    if (performance.now() - this.#exchangedLast < STORE_TIMEOUT_MS) return error;
    return new StoreUnavailable(error instanceof Error ? error.message : String(error), { cause: error });
  }

  async #sync(): Promise<void> {
    const mark = this.servingLease.begin();
    const report = this.#report();
    const { scene, missedMs, others, isAlone, soon, written } = await this.#ask('sync', () =>
      this.#store.sync(report),
    );
    this.#observer.exchanged(written);
    // By this server's own clock: the shared one stood still meanwhile.
    const away = this.#outage ? this.#now - this.#outage.since : 0;
    this.servingLease.renewed(mark, !isAlone);
    this.#others = others;
    this.#scene = scene;
    if (this.#store.isShared) {
      this.#clock.syncTo(scene.now);
      this.#graceUntil = Math.min(this.#graceUntil, scene.now + graceTime(this.#rules));
    }
    this.#exchangedLast = performance.now();
    this.#recovered(away);
    if (soon) this.#exchangeIn(AGREEING_INTERVAL_MS);
    if (missedMs > 0) await this.#missed(missedMs);
  }

  /** Syncs soon, since the servers are agreeing on a change. */
  exchangeSoon(): void {
    this.#exchangeIn(AGREEING_INTERVAL_MS);
  }

  /** Plans the next sync. An earlier one that is planned already stays. */
  #exchangeIn(ms: number): void {
    const at = performance.now() + ms;
    if (this.#stopped || (this.#nextSync && at >= this.#nextSync.at)) return;
    clearTimeout(this.#nextSync?.timer);
    const timer = setTimeout(() => {
      this.#nextSync = undefined;
      this.#exchangeIn(this.#store.pace);
      void this.sync();
    }, ms);
    this.#nextSync = { at, timer };
  }

  #report(): SyncRequest {
    return {
      hearing: this.#now,
      stood: this.#clock.stood,
      graceUntil: this.#graceUntil,
      grace: graceTime(this.#rules),
      renewalSlackMs: this.#rules.memberTtl / 5,
      isWaiting: this.#store.isShared && this.#registry.isWaiting,
      isLast: false,
    };
  }

  async #open(): Promise<void> {
    const mark = this.servingLease.begin();
    try {
      const {
        hearing,
        attended,
        left = 0,
      } = await this.#ask('open', () => this.#store.open(this.#registry, graceTime(this.#rules)));
      this.#clock.resumeAt(hearing);
      this.servingLease.renewed(mark, this.#store.isShared);
      this.#isOpen = true;
      if (left > 0) {
        const sentence = `${left} stored cluster(s) are not served: all together have more than ${this.#rules.maxAddresses} addresses (MAX_ADDRESSES). Those heard last are; delete what nobody needs, or raise it and the memory, and start again`;
        this.#log.error({ left }, sentence);
      }
      this.#exchangedLast = performance.now();
      if (this.#outage && this.#outage.reason !== UNREACHED) this.#log.warn('connected to the store');
      this.#outage = undefined;
      if (this.#registry.hasList) this.startGrace();
      if (!attended) await this.#registry.resume();
    } catch (error) {
      const isFirst = this.#outage?.reason === UNREACHED;
      const mayPass = error instanceof StoreUnavailable || (error instanceof StoreRefused && !isFirst);
      if (!mayPass) throw error;
      if (this.#outage?.reason === error.message) return;
      this.#outage = { since: this.#now, reason: error.message };
      this.#log.error(
        { reason: error.message },
        'the store cannot be reached; no caller is answered until it is',
      );
    }
  }

  /** No server could hear for a while: starts a grace. */
  async #missed(missedMs: number): Promise<void> {
    this.#log.warn(
      { missedMs: Math.round(missedMs) },
      'no server could hear; no member is evicted for a while',
    );
    this.startGrace();
    await this.#registry.resume();
  }

  /**
   * Only a sync decides whether a shared store is unavailable: a decision also fails while another server
   * keeps the cluster locked.
   */
  #judged(error: unknown): unknown {
    if (!this.#store.isShared || !(error instanceof StoreUnavailable) || error instanceof StoreBusy)
      return error;
    this.#exchangeIn(0);
    if (error instanceof StoreOutcomeUnknown) return error;
    return new StoreBusy(error.message, { cause: error });
  }

  /**
   * Bounds a store call at 2 s, below the caller's own timeout. Rejects with StoreOutcomeUnknown then; the
   * work goes on.
   */
  async inTime<T>(work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = new StoreOutcomeUnknown(NO_ANSWER);
        // Spares the next callers the same wait.
        if (!this.#store.isShared) this.failed(error);
        reject(error);
      }, STORE_TIMEOUT_MS);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Starts a grace (R8), in which no member is evicted. */
  startGrace(): void {
    this.#graceUntil = this.#now + graceTime(this.#rules);
  }

  #recovered(away: number): void {
    if (!this.#outage) return;
    this.#outage = undefined;
    this.#saidReasons.clear();
    this.startGrace();
    this.#log.warn(
      { outageSeconds: Math.round(away / 1_000) },
      'the store is back; no member is evicted for a while',
    );
  }

  /**
   * Notes and logs a failure. When the store failed (R9), lists are served from memory and nothing is decided
   * until a sync succeeds.
   */
  failed(error: unknown): void {
    if (this.#stopped && error instanceof StoreUnavailable) return;
    // A store of its own that is late is unavailable. A shared one may only be busy, which the sync will
    // show.
    const tellsNothing = error instanceof StoreOutcomeUnknown && this.#store.isShared;
    if (error instanceof StoreBusy || tellsNothing) {
      this.#log.warn(
        { reason: error.message },
        tellsNothing ? 'a decision may or may not have been stored' : 'a decision could not be made now',
      );
      return;
    }
    if (!(error instanceof StoreUnavailable)) {
      this.#log.error({ err: error }, 'a decision failed; the cluster was left as it was');
      return;
    }
    const { message: reason } = error;
    if (this.#outage?.reason === reason) return;
    // The reason may change: first connections break, and then a password is not accepted.
    this.#outage = { since: this.#outage?.since ?? this.#now, reason };
    if (this.#saidReasons.has(reason)) return;
    this.#saidReasons.add(reason);
    this.#log.error(
      { reason },
      'the store is unavailable; lists are served from memory and stay as they are',
    );
  }
}

function failureOf(error: unknown): StoreFailure {
  if (error instanceof StoreBusy) return 'busy';
  return error instanceof StoreUnavailable ? 'unavailable' : 'other';
}
