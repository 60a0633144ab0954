import type { Logger } from 'pino';
import { keyOf, type ClusterKey } from '../registry/cluster.js';
import { ClusterWatch } from './cluster-watch.js';
import type { EventCursor } from './event-cursor.js';
import { EventTail, type EventReader } from './event-tail.js';
import { healthView, type HealthView } from './health-view.js';
import type { RegistryService } from './registry-service.js';
import { Summaries, type SummaryChanges, type ToldSummary } from './summaries.js';

/** How often changes are looked for: no listener gets anything more often. */
const ROUND_INTERVAL_MS = 250;

/** How often the remaining grace is sent when nothing else about the health changes. */
const GRACE_INTERVAL_MS = 5_000;

/** A listener to the feed. Its methods must not throw. */
export interface FeedListener extends EventReader {
  /** The cluster whose whole view it wants. */
  readonly cluster?: ClusterKey | undefined;
  /** The events that it has seen; undefined when it wants new ones only. */
  readonly after?: EventCursor | undefined;
  /** Called first, with everything as it is now. */
  snapshot(clusters: readonly ToldSummary[], health: HealthView): void;
  summaries(changes: SummaryChanges): void;
  health(health: HealthView): void;
  /** The JSON of the {@link cluster}'s view; `null` when it is unknown. */
  view(json: string): void;
}

interface Listening {
  readonly listener: FeedListener;
  readonly watch: ClusterWatch | undefined;
  /** True once it has its snapshot and gets every change. */
  isWelcome: boolean;
  stopEvents: (() => void) | undefined;
}

/**
 * Sends every change to all listeners, and works it out once for all of them. Without listeners it does
 * nothing.
 */
export class Feed {
  readonly #service: RegistryService;
  readonly #log: Logger;
  readonly #listening = new Set<Listening>();
  readonly #watches = new Map<string, { readonly watch: ClusterWatch; users: number }>();
  readonly #tail: EventTail;
  #summaries: Summaries | undefined;
  #isReady = false;
  #timer: NodeJS.Timeout | undefined;
  #passing = false;
  #health: HealthView | undefined;
  #healthAt = 0;

  constructor(service: RegistryService, log: Logger) {
    this.#service = service;
    this.#log = log;
    this.#tail = new EventTail(service);
  }

  /** How many listeners there are. */
  get listeners(): number {
    return this.#listening.size;
  }

  /**
   * Adds a listener, which gets the snapshot first. Returns a function that removes it and may be called
   * again.
   */
  listen(listener: FeedListener): () => void {
    const watch = listener.cluster && this.#watch(keyOf(listener.cluster));
    const listening: Listening = { listener, watch, isWelcome: false, stopEvents: undefined };
    this.#listening.add(listening);
    if (this.#listening.size === 1) this.#begin();
    else if (this.#isReady) this.#welcome(listening);
    return () => {
      if (!this.#listening.delete(listening)) return;
      listening.stopEvents?.();
      if (listener.cluster) this.#unwatch(keyOf(listener.cluster));
      if (this.#listening.size === 0) this.#end();
    };
  }

  #begin(): void {
    this.#summaries = new Summaries(this.#service);
    this.#health = healthView(this.#service);
    this.#healthAt = performance.now();
    this.#timer = setInterval(() => this.#turn(), ROUND_INTERVAL_MS);
    this.#turn();
  }

  #end(): void {
    clearInterval(this.#timer);
    this.#summaries = undefined;
    this.#isReady = false;
  }

  #welcome(listening: Listening): void {
    const { listener } = listening;
    listener.snapshot(this.#summaries?.all ?? [], this.#health ?? healthView(this.#service));
    listening.isWelcome = true;
    if (listening.watch) {
      const known = listening.watch.json;
      if (!this.#look(listening.watch) && known !== undefined) listener.view(known);
    }
    listening.stopEvents = this.#tail.follow(listener, listener.after);
  }

  #turn(): void {
    try {
      void this.#passOnce();
      if (!this.#isReady) return;
      this.#lookAtHealth();
      for (const { watch } of this.#watches.values()) this.#look(watch);
      this.#tail.turn();
    } catch (error) {
      this.#log.error({ err: error }, 'could not publish to the clients of the stream');
    }
  }

  /** Looks at all clusters; one pass at a time. */
  async #passOnce(): Promise<void> {
    const summaries = this.#summaries;
    if (this.#passing || !summaries) return;
    this.#passing = true;
    try {
      const changes = await summaries.pass(() => this.#summaries === summaries);
      if (!changes || this.#summaries !== summaries) return;
      if (!this.#isReady) {
        await this.#welcomeAll(summaries);
      } else if (changes.changed.length + changes.gone.length > 0) {
        for (const { listener } of this.#listening) listener.summaries(changes);
        this.#tail.hurry();
      }
    } catch (error) {
      this.#log.error({ err: error }, 'could not publish to the clients of the stream');
    } finally {
      this.#passing = false;
    }
  }

  /**
   * Sends the snapshots one after another, since one of all clusters may be large. Listeners that come
   * meanwhile are included.
   */
  async #welcomeAll(summaries: Summaries): Promise<void> {
    for (const listening of this.#listening) {
      this.#welcome(listening);
      await new Promise(setImmediate);
      // All listeners have gone, and others may have come.
      if (this.#summaries !== summaries) return;
    }
    this.#isReady = true;
  }

  #lookAtHealth(): void {
    const health = healthView(this.#service);
    const known = this.#health;
    const now = performance.now();
    const isNews =
      health.status !== known?.status || health.reason !== known.reason || health.servers !== known.servers;
    const hasAged = health.graceMs !== known?.graceMs && now - this.#healthAt >= GRACE_INTERVAL_MS;
    if (!isNews && !hasAged) return;
    this.#health = health;
    this.#healthAt = now;
    for (const { listener } of this.#listening) listener.health(health);
  }

  /** Sends the view of a cluster if it is due; returns whether it was. */
  #look(watch: ClusterWatch): boolean {
    const json = watch.due();
    if (json === undefined) return false;
    for (const one of this.#listening) if (one.watch === watch && one.isWelcome) one.listener.view(json);
    return true;
  }

  #watch(name: string): ClusterWatch {
    let watched = this.#watches.get(name);
    if (!watched)
      this.#watches.set(name, (watched = { watch: new ClusterWatch(this.#service, name), users: 0 }));
    watched.users++;
    return watched.watch;
  }

  #unwatch(name: string): void {
    const watched = this.#watches.get(name);
    if (watched && --watched.users === 0) this.#watches.delete(name);
  }
}
