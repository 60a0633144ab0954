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
import type { ClusterKey } from '../../src/registry/cluster.js';
import type { RecordedEvent } from '../../src/registry/events.js';

/** A real store that can be taken away: calls fail, or hang until it is back. */
export class FlakyStore implements Store {
  readonly #real: Store;
  #state: 'up' | 'failing' | 'hanging' = 'up';
  #back: (() => void)[] = [];
  readonly #failures: { readonly error: Error; readonly isMade: boolean }[] = [];

  readonly pace: number;
  readonly isShared: boolean;

  constructor(real: Store) {
    this.#real = real;
    this.pace = real.pace;
    this.isShared = real.isShared;
  }

  become(state: 'up' | 'failing' | 'hanging'): void {
    this.#state = state;
    if (state !== 'hanging') for (const resolve of this.#back.splice(0)) resolve();
  }

  /** The next decision fails so; `isMade`: it is made all the same. */
  failOnce(error: Error, isMade = false): void {
    this.#failures.push({ error, isMade });
  }

  open(listener: ClusterListener, grace?: number): Promise<OpenResult> {
    return this.#real.open(listener, grace);
  }

  async transact(key: ClusterKey, work: Work): Promise<CommittedDecision> {
    await this.#reach();
    const failure = this.#failures.shift();
    if (failure?.isMade) await this.#real.transact(key, work);
    if (failure) throw failure.error;
    return this.#real.transact(key, work);
  }

  async sync(report: SyncRequest): Promise<SyncResult> {
    await this.#reach();
    return this.#real.sync(report);
  }

  async events(query: EventQuery): Promise<readonly RecordedEvent[]> {
    await this.#reach();
    return this.#real.events(query);
  }

  close(): Promise<void> {
    this.become('up');
    return this.#real.close();
  }

  async #reach(): Promise<void> {
    if (this.#state === 'hanging') await new Promise<void>((resolve) => this.#back.push(resolve));
    if (this.#state === 'failing') throw new StoreUnavailable('the disk is gone');
  }
}
