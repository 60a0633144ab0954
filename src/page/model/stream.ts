import { whyUnreadable } from './api.js';
import type { ClusterSummary, ClusterView, EventView, ServerView } from './types.js';

/** Pauses between attempts to reconnect, each varied by up to a tenth at random. */
const BACKOFF_MS = [1_000, 2_000, 4_000, 8_000, 15_000] as const;

/**
 * Silence after which a stream is suspected, even one that was just opened. A stream with a chosen cluster
 * sends at least every 5 s.
 */
const SUSPICIOUS_MS = 20_000;

/** Interval of checks for silence. */
const POLL_INTERVAL_MS = 2_000;

/** After a longer absence the whole history is read again, instead of the missed events. */
const LONG_AWAY_MS = 300_000;

export interface Link {
  /** *paused*: the tab is hidden. */
  readonly status: 'connecting' | 'live' | 'lost' | 'paused';
  /** When the last message came, on performance.now(). */
  readonly lastNews?: number;
  /** When the next attempt comes, on performance.now(). */
  readonly retryAt?: number;
  /** Why the server refuses the stream, if it answers at all. */
  readonly reason?: string;
}

/** The data of the stream's messages, by message name. */
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
  /** Called when events may have been missed before this stream: read the history again. */
  missedEvents(): void;
}

/** Keeps one event stream open while the page is visible, whatever the network does. */
export class Stream {
  readonly #listener: StreamListener;
  #source: EventSource | undefined;
  #chosen: string | undefined;
  #link: Link = { status: 'connecting' };
  #failures = 0;
  /** Id of the last message with events, after which the next stream continues. */
  #cursor: string | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** Ends a stream that opened but sends nothing. */
  #patience: ReturnType<typeof setTimeout> | undefined;
  #isAsking = false;
  /** Whether the stream sends the chosen cluster at intervals: it does unless the cluster is unknown. */
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

  /** Chooses the cluster whose members the stream includes, and reopens the stream. */
  choose(key: string | undefined): void {
    if (key === this.#chosen) return;
    this.#chosen = key;
    if (this.#link.status !== 'paused') this.open();
  }

  /** Opens a new stream in place of the present one. */
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
    // A live link stays live while another stream opens, and a lost one stays lost until a message comes.
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

  /**
   * Schedules the next attempt. The browser's own attempts have no back-off, and end at the first HTTP error.
   */
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

  /** Asks the server why the stream failed, since the stream itself does not say. */
  async #explain(): Promise<void> {
    const refused = await whyUnreadable();
    if (this.#link.status === 'lost' && refused && refused.status > 0) {
      this.#say({ ...this.#link, reason: refused.message });
    }
  }

  /** Checks a silent stream: a connection that was cut without notice looks like an idle one. */
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

  /** Whether messages have come since a moment before a wait. */
  #hasNewsSince(moment: number): boolean {
    return this.#link.status !== 'live' || this.#link.lastNews !== moment;
  }

  #say(link: Link): void {
    this.#link = link;
    this.#listener.link(link);
  }
}
