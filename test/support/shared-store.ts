import type { Cluster, ClusterKey } from '../../src/registry/cluster.js';
import type { RecordedEvent } from '../../src/registry/events.js';
import {
  StoreUnavailable,
  type ClusterListener,
  type Decided,
  type EventQuery,
  type News,
  type Opened,
  type Report,
  type Store,
  type Work,
} from '../../src/registry/ports.js';

/**
 * A store that says that another server keeps the same lists. For tests of what depends on minutes, on a clock of
 * their own; what real ones do is tested on databases.
 */
export class SharedStore implements Store {
  readonly pace = 3_600_000;
  readonly isShared = true;
  readonly #real: Store;
  readonly #changed = new Map<string, Cluster>();
  #listener: ClusterListener | undefined;
  #isPending = false;
  isDown = false;
  /** Decisions made so far. */
  decisions = 0;

  constructor(real: Store) {
    this.#real = real;
  }

  /** From here on the other server does not have a change; with false it has all. */
  pend(isPending: boolean): void {
    this.#isPending = isPending;
    if (isPending) return;
    for (const cluster of this.#changed.values()) this.#listener?.changed(cluster, false);
  }

  open(listener: ClusterListener): Promise<Opened> {
    this.#listener = listener;
    return this.#real.open({
      changed: (cluster) => {
        this.#changed.set(`${cluster.product}/${cluster.name}`, cluster);
        listener.changed(cluster, this.#isPending);
      },
      unsure: (cluster) => listener.unsure(cluster),
    });
  }

  async transact(key: ClusterKey, work: Work): Promise<Decided> {
    this.#reach();
    this.decisions++;
    return this.#real.transact(key, work);
  }

  async exchange(report: Report): Promise<News> {
    this.#reach();
    const { scene, written } = await this.#real.exchange(report);
    return { scene: { ...scene, othersKnow: !this.#isPending }, deaf: 0, others: 1, soon: false, written };
  }

  events(query: EventQuery): Promise<readonly RecordedEvent[]> {
    return this.#real.events(query);
  }

  close(): Promise<void> {
    this.isDown = false;
    return this.#real.close();
  }

  #reach(): void {
    if (this.isDown) throw new StoreUnavailable('the database is gone');
  }
}
