import type { Address } from '../registry/address.js';
import { emptyCluster, type Cluster, type ClusterKey } from '../registry/cluster.js';
import { deliver } from '../registry/lease.js';

/**
 * One cluster as the server holds it: its latest state, and who waits for the next. The same object serves a
 * cluster for as long as the server knows it, so a connection may keep it.
 */
export class ClusterEntry {
  #cluster: Cluster;
  readonly #watchers = new Set<() => void>();

  constructor(key: ClusterKey) {
    this.#cluster = emptyCluster(key);
  }

  get cluster(): Cluster {
    return this.#cluster;
  }

  /** Whether somebody waits for a change. */
  get isWatched(): boolean {
    return this.#watchers.size > 0;
  }

  replace(cluster: Cluster): void {
    if (cluster === this.#cluster) return;
    this.#cluster = cluster;
    this.#wake();
  }

  /** The current list was sent to a member. */
  delivered(address: Address, now: number): void {
    const { members, revision } = this.#cluster;
    const lease = members.get(address)?.lease;
    if (!lease || lease.delivered === revision) return;
    deliver(lease, revision, now);
    this.#wake();
  }

  /**
   * Resolves with true as soon as `met` holds, which is asked again after every change and delivery; with false
   * after `timeout` milliseconds or when the signal aborts. What depends on the time too is asked again every
   * `every` milliseconds.
   */
  until(
    met: (cluster: Cluster) => boolean,
    timeout: number,
    signal?: AbortSignal,
    every?: number,
  ): Promise<boolean> {
    if (met(this.#cluster)) return Promise.resolve(true);
    if (signal?.aborted || timeout <= 0) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end = (result: boolean): void => {
        clearTimeout(timer);
        clearInterval(again);
        this.#watchers.delete(check);
        signal?.removeEventListener('abort', giveUp);
        resolve(result);
      };
      const giveUp = (): void => end(false);
      const check = (): void => {
        if (met(this.#cluster)) end(true);
      };
      const timer = setTimeout(giveUp, timeout);
      const again = every === undefined ? undefined : setInterval(check, every);
      this.#watchers.add(check);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }

  #wake(): void {
    for (const check of [...this.#watchers]) check();
  }
}
