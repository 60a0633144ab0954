import { keyOf, type Cluster, type ClusterKey } from '../../src/registry/cluster.js';
import type { RecordedEvent } from '../../src/registry/events.js';
import {
  StoreUnavailable,
  type ClusterListener,
  type CommittedDecision,
  type EventQuery,
  type SyncResult,
  type OpenResult,
  type SyncRequest,
  type Store,
  type Work,
} from '../../src/registry/interfaces.js';

/** How far the servers have come with a change of a list. */
export type Phase =
  /** All may send the new list. */
  | 'released'
  /** Not every server knows of it: the one before is sent. */
  | 'decided'
  /** Some server may send it: the one before is sent no more. */
  | 'promised';

/**
 * A store that says that another server keeps the same lists. For tests of what depends on minutes, on a clock of
 * their own; what real ones do is tested on databases.
 */
export class SharedStore implements Store {
  readonly pace = 3_600_000;
  readonly isShared = true;
  readonly #real: Store;
  readonly #changed = new Map<string, Cluster>();
  /** What is sent of each cluster. */
  readonly #sent = new Map<string, Cluster>();
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
    for (const cluster of this.#changed.values()) this.#tell(cluster);
  }

  #tell(cluster: Cluster): void {
    const key = keyOf(cluster);
    const before = this.#sent.get(key);
    const isSame = before?.revision === cluster.revision;
    if (this.#phase === 'released' || isSame) this.#sent.set(key, cluster);
    else if (this.#phase === 'promised') this.#sent.delete(key);
    this.#listener?.changed(cluster, this.#sent.get(key));
  }

  open(listener: ClusterListener): Promise<OpenResult> {
    this.#listener = listener;
    return this.#real.open({
      changed: (cluster) => {
        this.#changed.set(keyOf(cluster), cluster);
        this.#tell(cluster);
      },
      catchUp: (now) => listener.catchUp(now),
      telling: () => listener.telling(),
      lost: () => listener.lost(),
    });
  }

  async transact(key: ClusterKey, work: Work): Promise<CommittedDecision> {
    this.#reach();
    this.decisions++;
    return this.#real.transact(key, work);
  }

  async sync(report: SyncRequest): Promise<SyncResult> {
    this.#reach();
    const { scene, written } = await this.#real.sync(report);
    return {
      scene: { ...scene, othersKnow: this.#phase !== 'decided' },
      missedMs: 0,
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
