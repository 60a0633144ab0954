import type { Phase } from '../../src/registry/agreement.js';
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
  #phase: Phase = 'released';
  isDown = false;
  /** Decisions made so far. */
  decisions = 0;

  constructor(real: Store) {
    this.#real = real;
  }

  /** From here on the servers have come that far with all changes, and no further. */
  agree(phase: Phase): void {
    this.#phase = phase;
    if (phase === 'decided') return;
    for (const cluster of this.#changed.values()) this.#listener?.changed(cluster, phase);
  }

  open(listener: ClusterListener): Promise<Opened> {
    this.#listener = listener;
    return this.#real.open({
      changed: (cluster) => {
        this.#changed.set(`${cluster.product}/${cluster.name}`, cluster);
        listener.changed(cluster, this.#phase);
      },
      lost: () => listener.lost(),
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
    return {
      scene: { ...scene, othersKnow: this.#phase !== 'decided' },
      deaf: 0,
      others: 1,
      isAlone: false,
      soon: false,
      written,
    };
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
