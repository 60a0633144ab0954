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

/** What the operator is asked, or told, before anything else goes on. */
export type Question =
  | { readonly type: 'take-off'; readonly cluster: string; readonly address: string }
  | { readonly type: 'recover'; readonly cluster: string }
  | { readonly type: 'delete'; readonly cluster: string }
  | { readonly type: 'repair'; readonly cluster: string; readonly members: readonly MemberView[] };

/** Something with the moment at which the server said it, on performance.now(). */
export interface Heard<T> {
  readonly value: T;
  readonly at: number;
}

/** A cluster that is in another state now; undefined when it is gone. */
export interface StateChange {
  readonly key: string;
  readonly state: ClusterState | undefined;
}

export interface PageState {
  readonly link: Link;
  readonly server?: Heard<ServerView>;
  /** By {@link keyOf}; undefined until the first snapshot. */
  readonly clusters?: ReadonlyMap<string, ClusterSummary>;
  /** As the address bar says. */
  readonly route: string | undefined;
  /** The chosen cluster's members; null when nobody knows it, undefined until it was told. */
  readonly cluster?: Heard<ClusterView | null> | undefined;
  /** What its Nacos nodes believe; undefined until it was told, and of a server that does not tell. */
  readonly health?: Heard<ClusterHealth> | undefined;
  /** Who named the chosen cluster and was refused; undefined until it was told. */
  readonly callers?: Heard<readonly RefusedCaller[]> | undefined;
  /** Who was refused and named no known cluster. */
  readonly strays?: Heard<readonly RefusedCaller[]> | undefined;
  readonly history: History;
  /** The last changes of states, for those who listen instead of look. */
  readonly changes: readonly StateChange[];
  readonly question?: Question | undefined;
}

/** The cluster that is shown: the route's, or the only one there is. */
export function chosenOf({ route, clusters }: Pick<PageState, 'route' | 'clusters'>): string | undefined {
  if (route !== undefined) return route;
  return clusters?.size === 1 ? [...clusters.keys()][0] : undefined;
}

/** What there is to see, and where it comes from. */
export class Page {
  readonly store: Store<PageState>;
  readonly history: HistoryReader;
  /** The one that the server took last, for the next change; nowhere but here. */
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
        // From its snapshot on a stream has all events: those before are read now, and none is missed in between.
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

  /** What the server says of the chosen cluster. */
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

  /** True when the stream was opened anew, since the only cluster is another one. */
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

  /** While the stream is live somebody looks: it is closed when the tab is hidden. */
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
