import type { ServerView } from '../http/api/schemas.js';
import type { ClusterSummary, ClusterView } from '../registry/view.js';
import { ClientError } from './client-error.js';
import type { Client } from './client.js';
import { clusterPath, nameOf } from './cluster-name.js';
import type { Said } from './stream.js';

/**
 * The most clusters that a screen shows in full. With more, it shows a summary and does not ask again only to
 * update ages.
 */
export const FEW = 10;

/** Everything known at one moment. */
export interface Picture {
  /** The server's URL. */
  readonly from: string;
  readonly at: Date;
  readonly server: ServerView | undefined;
  /** Why the connection is lost, and when the next attempt is. */
  readonly lost: { readonly reason: string; readonly retryAt: Date } | undefined;
  /** By name, in order. A view is undefined for a cluster that is unknown or was not requested. */
  readonly clusters: ReadonlyMap<string, ClusterView | undefined>;
  readonly summaries: readonly ClusterSummary[];
}

/**
 * The watched clusters, kept up to date from the stream. The stream reports a single cluster in full; when
 * all are watched it reports which ones changed, and those are requested.
 */
export class ClusterCache {
  readonly #client: Client;
  readonly #one: string | undefined;
  #server: ServerView | undefined;
  #lost: Picture['lost'];
  #isReady = false;
  readonly #summaries = new Map<string, ClusterSummary>();
  readonly #views = new Map<string, ClusterView | undefined>();
  readonly #due = new Set<string>();

  /** `one`: the only watched cluster; undefined for all. */
  constructor(client: Client, one: string | undefined) {
    this.#client = client;
    this.#one = one;
  }

  /** Whether the clusters are known. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Whether the display is out of date even without news, because ages run on. */
  get isAging(): boolean {
    return this.#one === undefined && !this.#lost && this.#areFew;
  }

  get #areFew(): boolean {
    return this.#summaries.size > 0 && this.#summaries.size <= FEW;
  }

  get picture(): Picture {
    const names = this.#one === undefined ? [...this.#summaries.keys()].sort() : [this.#one];
    return {
      from: this.#client.name,
      at: new Date(),
      server: this.#server,
      lost: this.#lost,
      clusters: new Map(names.map((name) => [name, this.#views.get(name)])),
      summaries: names.flatMap((name) => this.#summaries.get(name) ?? []),
    };
  }

  take(said: Said): void {
    if (said.type === 'lost') {
      this.#lost = { reason: said.reason, retryAt: new Date(Date.now() + said.retryMs) };
    } else if (said.type === 'message') this.#hear(said.event, said.data);
  }

  #hear(event: string, data: unknown): void {
    switch (event) {
      case 'snapshot': {
        const { clusters, server } = data as { clusters: ClusterSummary[]; server: ServerView };
        const names = new Set(clusters.map(nameOf));
        this.#change(
          clusters,
          [...this.#summaries.keys()].filter((name) => !names.has(name)),
        );
        this.#server = server;
        this.#lost = undefined;
        if (this.#one === undefined) this.#isReady = true;
        return;
      }
      case 'clusters': {
        const { changed, gone } = data as { changed: ClusterSummary[]; gone: string[] };
        return this.#change(changed, gone);
      }
      case 'server':
        this.#server = data as ServerView;
        return;
      case 'cluster':
        if (this.#one === undefined) return;
        this.#views.set(this.#one, (data as ClusterView | null) ?? undefined);
        this.#isReady = true;
    }
  }

  #change(changed: readonly ClusterSummary[], gone: readonly string[]): void {
    for (const summary of changed) {
      this.#summaries.set(nameOf(summary), summary);
      if (this.#one === undefined) this.#due.add(nameOf(summary));
    }
    for (const name of gone) this.#forget(name);
  }

  #forget(name: string): void {
    this.#summaries.delete(name);
    this.#due.delete(name);
    if (name !== this.#one) this.#views.delete(name);
  }

  /**
   * Requests what is not up to date; with `atAGlance`, not when there are many clusters. Rejects with {@link
   * ClientError} when the server wants another token.
   */
  async refresh({ atAGlance = false } = {}): Promise<void> {
    if (this.#one !== undefined || this.#lost || (atAGlance && !this.#areFew)) return;
    for (const name of this.#areFew ? [...this.#summaries.keys()] : [...this.#due]) {
      this.#due.delete(name);
      try {
        const view = await this.#client.getJson<ClusterView>(clusterPath(name));
        if (this.#summaries.has(name)) this.#views.set(name, view);
      } catch (error) {
        if (!(error instanceof ClientError) || error.status === 401 || error.status === 403) throw error;
        // Either the cluster is gone, which the stream reports too, or the connection is, and this repeats
        // when it is back.
        if (error.status === 404) this.#forget(name);
        else return void this.#due.add(name);
      }
    }
  }
}
