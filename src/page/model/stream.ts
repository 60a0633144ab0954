import { whyUnreadable } from './api.js';
import type { ClusterSummary, ClusterView, EventView, ServerView } from './types.js';

/** Between two tries to get the stream back; the tenth part of it more or less by chance. */
const BACKOFF_MS = [1_000, 2_000, 4_000, 8_000, 15_000] as const;

/**
 * Silence after which a stream is suspected, also one that was just opened; one with a chosen cluster
 * speaks each 5 s or more often.
 */
const SUSPICIOUS_MS = 20_000;

/** How often silence is looked at. */
const POLL_INTERVAL_MS = 2_000;

/** Longer away than this, and the history is read anew instead of event by event. */
const LONG_AWAY_MS = 300_000;

export interface Link {
  /** *paused*: the tab is hidden, nobody looks. */
  readonly status: 'connecting' | 'live' | 'lost' | 'paused';
  /** When the server last said something, on performance.now(). */
  readonly lastNews?: number;
  /** When the next try comes, on performance.now(). */
  readonly retryAt?: number;
  /** Why the server refuses, if it answers at all. */
  readonly reason?: string;
}

/** The data of the stream's messages, by their names. */
interface Messages {
  readonly snapshot: { readonly clusters: readonly ClusterSummary[]; readonly server: ServerView };
  readonly clusters: { readonly changed: readonly ClusterSummary[]; readonly gone: readonly string[] };
  readonly server: ServerView;
  readonly cluster: ClusterView | null;
  readonly events: { readonly events: readonly EventView[] };
}

export interface StreamListener {
  link(link: Link): void;
  snapshot(clusters: readonly ClusterSummary[], server: ServerView): void;
  clusters(changed: readonly ClusterSummary[], gone: readonly string[]): void;
  server(server: ServerView): void;
  cluster(view: ClusterView | null): void;
  events(events: readonly EventView[]): void;
  /** Some may have been missed before the stream that opens now: the history must be read anew. */
  missedEvents(): void;
}

/** Keeps one event stream open while somebody looks, whatever the network does. */
export class Stream {
  readonly #listener: StreamListener;
  #source: EventSource | undefined;
  #chosen: string | undefined;
  #link: Link = { status: 'connecting' };
  #failures = 0;
  /** The id of the last message with events: the next stream goes on there. */
  #cursor: string | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** Ends a stream that is opened and says nothing. */
  #patience: ReturnType<typeof setTimeout> | undefined;
  #isAsking = false;
  /** Whether the stream tells of the chosen cluster again and again: it does unless nobody knows the cluster. */
  #isTold = false;

  constructor(listener: StreamListener) {
    this.#listener = listener;
  }

  start(): void {
    document.addEventListener('visibilitychange', () => this.#look());
    addEventListener('pagehide', () => this.#pause());
    addEventListener('pageshow', () => this.#look());
    addEventListener('online', () => {
      if (this.#link.status === 'lost') this.open();
    });
    setInterval(() => void this.#listen(), POLL_INTERVAL_MS);
    this.#look();
  }

  /** The cluster whose members are told of, too. The stream is opened anew. */
  choose(key: string | undefined): void {
    if (key === this.#chosen) return;
    this.#chosen = key;
    if (this.#link.status !== 'paused') this.open();
  }

  /** Opens a new stream in place of whatever there is. */
  open(): void {
    this.#close();
    const { lastNews = performance.now() } = this.#link;
    const isLongAway = performance.now() - lastNews > LONG_AWAY_MS;
    const after = isLongAway ? undefined : this.#cursor;
    if (after === undefined) this.#listener.missedEvents();
    const query = new URLSearchParams();
    if (this.#chosen !== undefined) query.set('cluster', this.#chosen);
    if (after !== undefined) query.set('after', after);
    const source = new EventSource(`api/v1/stream${query.size > 0 ? `?${query}` : ''}`);
    this.#source = source;
    this.#patience = setTimeout(() => this.#lost(), SUSPICIOUS_MS);
    // What was live stays so while another stream is opened, for a moment; what was lost is lost until there is news.
    if (this.#link.status === 'paused') this.#say({ ...this.#link, status: 'connecting' });
    const on = <N extends keyof Messages>(name: N, take: (data: Messages[N], id: string) => void): void =>
      source.addEventListener(name, (event: MessageEvent<string>) => {
        if (source !== this.#source) return;
        this.#news();
        take(JSON.parse(event.data) as Messages[N], event.lastEventId);
      });
    on('snapshot', ({ clusters, server }) => {
      this.#failures = 0;
      this.#listener.snapshot(clusters, server);
    });
    on('clusters', ({ changed, gone }) => this.#listener.clusters(changed, gone));
    on('server', (server) => this.#listener.server(server));
    on('cluster', (view) => {
      this.#isTold = view !== null;
      this.#listener.cluster(view);
    });
    on('events', ({ events }, id) => {
      this.#cursor = id;
      this.#listener.events(events);
    });
    source.onerror = () => {
      if (source === this.#source) this.#lost();
    };
  }

  #look(): void {
    if (document.visibilityState === 'hidden') this.#pause();
    else if (!this.#source) this.open();
  }

  #pause(): void {
    this.#close();
    this.#say({ ...this.#link, status: 'paused' });
  }

  #close(): void {
    this.#isTold = false;
    clearTimeout(this.#retry);
    clearTimeout(this.#patience);
    this.#source?.close();
    this.#source = undefined;
  }

  #news(): void {
    clearTimeout(this.#patience);
    const lastNews = performance.now();
    if (this.#link.status === 'live') this.#link = { status: 'live', lastNews };
    else this.#say({ status: 'live', lastNews });
  }

  /** The browser's own tries would come without a back-off, and give up at the first error with a status. */
  #lost(reason?: string): void {
    this.#close();
    const step = BACKOFF_MS[Math.min(this.#failures++, BACKOFF_MS.length - 1)] ?? 15_000;
    const pause = step * (0.9 + Math.random() * 0.2);
    this.#retry = setTimeout(() => this.open(), pause);
    const { lastNews } = this.#link;
    this.#say({
      status: 'lost',
      retryAt: performance.now() + pause,
      ...(lastNews === undefined ? {} : { lastNews }),
      ...(reason === undefined ? {} : { reason }),
    });
    if (reason === undefined) void this.#explain();
  }

  /** The stream itself does not say why it failed. */
  async #explain(): Promise<void> {
    const refused = await whyUnreadable();
    if (this.#link.status === 'lost' && refused && refused.status > 0) {
      this.#say({ ...this.#link, reason: refused.message });
    }
  }

  /** A connection that was cut without a word looks like one on which nothing happens. */
  async #listen(): Promise<void> {
    const { status, lastNews = 0 } = this.#link;
    if (status !== 'live' || this.#isAsking || performance.now() - lastNews < SUSPICIOUS_MS) return;
    if (this.#isTold) return this.#lost();
    this.#isAsking = true;
    const refused = await whyUnreadable();
    this.#isAsking = false;
    if (this.#hasNewsSince(lastNews)) return;
    if (refused) this.#lost(refused.status > 0 ? refused.message : undefined);
    else this.#news();
  }

  /** Asked after a wait, in which much may have happened. */
  #hasNewsSince(moment: number): boolean {
    return this.#link.status !== 'live' || this.#link.lastNews !== moment;
  }

  #say(link: Link): void {
    this.#link = link;
    this.#listener.link(link);
  }
}
