import { readHealth, readRefused } from './api.js';
import { emptyHistory, HistoryReader, type History } from './history.js';
import { chosenIn } from './route.js';
import { Store } from './store.js';
import { Stream, type Link } from './stream.js';
import {
  keyOf,
  type ClusterHealth,
  type ClusterState,
  type ClusterSummary,
  type ClusterView,
  type MemberView,
  type RefusedCaller,
  type ServerView,
} from './types.js';
import { Watch } from './watch.js';

/** The open dialog. */
export type Question =
  | { readonly type: 'take-off'; readonly cluster: string; readonly address: string }
  | { readonly type: 'recover'; readonly cluster: string }
  | { readonly type: 'delete'; readonly cluster: string }
  | { readonly type: 'repair'; readonly cluster: string; readonly members: readonly MemberView[] };

/** A value and the time at which the server sent it, on performance.now(). */
export interface Heard<T> {
  readonly value: T;
  readonly at: number;
}

/** A cluster's new state; undefined if the cluster is gone. */
export interface StateChange {
  readonly key: string;
  readonly state: ClusterState | undefined;
}

export interface PageState {
  readonly link: Link;
  readonly server?: Heard<ServerView>;
  /** By {@link keyOf}; undefined until the first snapshot. */
  readonly clusters?: ReadonlyMap<string, ClusterSummary>;
  /** The cluster in the URL; undefined for the overview. */
  readonly route: string | undefined;
  /** The chosen cluster with its members; null if it is unknown, undefined until it arrives. */
  readonly cluster?: Heard<ClusterView | null> | undefined;
  /** Health of its Nacos nodes; undefined until it arrives, or if the server has none. */
  readonly health?: Heard<ClusterHealth> | undefined;
  /** Refused callers that named the chosen cluster; undefined until they arrive. */
  readonly callers?: Heard<readonly RefusedCaller[]> | undefined;
  /** Refused callers that named no known cluster. */
  readonly strays?: Heard<readonly RefusedCaller[]> | undefined;
  readonly history: History;
  /** The latest changes of state, for screen readers. */
  readonly changes: readonly StateChange[];
  readonly question?: Question | undefined;
}

/** The cluster shown: the route's, or the only one. */
export function chosenOf({ route, clusters }: Pick<PageState, 'route' | 'clusters'>): string | undefined {
  if (route !== undefined) return route;
  return clusters?.size === 1 ? [...clusters.keys()][0] : undefined;
}

/** The page's state, and the sources that feed it. */
export class Page {
  readonly store: Store<PageState>;
  readonly history: HistoryReader;
  /** The last token that the server accepted, for the next change. It is kept nowhere else. */
  token: string | undefined;
  readonly #stream: Stream;
  #health: Watch<ClusterHealth> | undefined;
  #callers: Watch<readonly RefusedCaller[]> | undefined;
  readonly #strays = new Watch(
    () => readRefused(undefined),
    (told) => this.store.update({ strays: told && { value: told, at: performance.now() } }),
  );
  #mustRead = true;
  #chosen: string | undefined;

  constructor() {
    const history = emptyHistory(undefined);
    this.store = new Store<PageState>({
      link: { status: 'connecting' },
      route: chosenIn(location.hash),
      history,
      changes: [],
    });
    this.history = new HistoryReader(history, (changed) => this.store.update({ history: changed }));
    this.#stream = new Stream({
      link: (link) => {
        this.store.update({ link });
        this.#watch();
      },
      snapshot: (clusters, server) => {
        this.#takeServer(server);
        const isReopened = this.#take(new Map(clusters.map((one) => [keyOf(one), one])));
        // A stream has all events after its snapshot: read the earlier ones now, and none is missed.
        if (this.#mustRead && !isReopened) this.#read();
      },
      clusters: (changed, gone) => {
        const clusters = new Map(this.store.state.clusters);
        for (const one of changed) clusters.set(keyOf(one), one);
        for (const key of gone) clusters.delete(key);
        this.#take(clusters);
      },
      server: (server) => this.#takeServer(server),
      cluster: (value) => this.takeCluster(value),
      events: (events) => this.history.add(events),
      missedEvents: () => (this.#mustRead = true),
    });
  }

  start(): void {
    addEventListener('hashchange', () => {
      this.store.update({ route: chosenIn(location.hash) });
      this.#choose();
    });
    this.#choose();
    this.#stream.start();
  }

  /** Takes the server's view of the chosen cluster. */
  takeCluster(value: ClusterView | null): void {
    const chosen = chosenOf(this.store.state);
    if (value !== null && keyOf(value) !== chosen) return;
    this.store.update({ cluster: { value, at: performance.now() } });
    this.#watch();
  }

  /** Opens a dialog, or closes it. */
  ask(question: Question | undefined): void {
    this.store.update({ question });
  }

  /** Tries to reach the server now. */
  retry(): void {
    this.#stream.open();
  }

  /** Reads the newest page of the history again. */
  readAgain(): void {
    this.#read();
  }

  /**
   * Takes a new set of clusters. Returns true if the stream was reopened, since the only cluster is another
   * one.
   */
  #take(clusters: ReadonlyMap<string, ClusterSummary>): boolean {
    const before = this.store.state.clusters;
    const changes = before ? changesBetween(before, clusters) : [];
    this.store.update({ clusters, ...(changes.length > 0 ? { changes } : {}) });
    return this.#choose();
  }

  #takeServer(value: ServerView): void {
    const hadNoStore = this.store.state.server?.value.status !== 'up';
    this.store.update({ server: { value, at: performance.now() } });
    if (hadNoStore && value.status === 'up' && this.store.state.history.problem !== undefined) this.#read();
  }

  #choose(): boolean {
    const chosen = chosenOf(this.store.state);
    if (chosen === this.#chosen) return false;
    this.#chosen = chosen;
    this.#mustRead = true;
    this.store.update({ cluster: undefined, health: undefined, callers: undefined });
    this.#health?.rest();
    this.#callers?.rest();
    this.#health = this.#callers = undefined;
    if (chosen !== undefined) {
      this.#health = new Watch(
        () => readHealth(chosen),
        (told) => this.#takeOf(chosen, 'health', told),
      );
      this.#callers = new Watch(
        () => readRefused(chosen),
        (told) => this.#takeOf(chosen, 'callers', told),
      );
    }
    this.history.turnTo(chosen);
    this.#stream.choose(chosen);
    return true;
  }

  #takeOf<N extends 'health' | 'callers'>(
    key: string,
    name: N,
    value: NonNullable<PageState[N]>['value'] | undefined,
  ): void {
    if (key !== this.#chosen) return;
    this.store.update({ [name]: value && { value, at: performance.now() } });
  }

  /**
   * Starts and stops the watches. The page is visible while the stream is live, which is closed with the tab
   * hidden.
   */
  #watch(): void {
    const { link, cluster } = this.store.state;
    const isLive = link.status === 'live';
    const view = cluster?.value;
    if (isLive && view && view.members.length > 0) this.#health?.look(view.revision);
    else this.#health?.rest();
    if (isLive && view) this.#callers?.look(view.refused ?? 0);
    else this.#callers?.rest();
    if (isLive) this.#strays.look(0);
    else this.#strays.rest();
  }

  #read(): void {
    this.#mustRead = false;
    void this.history.read();
  }
}

function changesBetween(
  before: ReadonlyMap<string, ClusterSummary>,
  after: ReadonlyMap<string, ClusterSummary>,
): StateChange[] {
  const changes: StateChange[] = [];
  for (const [key, { state }] of after) {
    if (before.get(key)?.state !== state) changes.push({ key, state });
  }
  for (const key of before.keys()) {
    if (!after.has(key)) changes.push({ key, state: undefined });
  }
  return changes;
}
