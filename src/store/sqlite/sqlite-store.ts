import { Worker } from 'node:worker_threads';
import {
  emptyCluster,
  isForgettable,
  keyOf,
  type Cluster,
  type ClusterKey,
  type Departed,
  type Lease,
  type Member,
  type Waiting,
} from '../../registry/cluster.js';
import type { RecordedEvent } from '../../registry/events.js';
import {
  StoreRefused,
  StoreUnavailable,
  type Clock,
  type Decided,
  type EventQuery,
  type Snapshot,
  type Store,
  type Work,
} from '../../registry/ports.js';
import type { CallName, Calls, Change, LeaseBatch, Request, Response, Rows } from './messages.js';

export interface SqliteOptions {
  /** The database file. */
  readonly file: string;
  /** The folder with the dialect's migrations. */
  readonly migrations: string;
  readonly clock: Clock;
  /** When the thread that owns the file ended by itself: a bug or no memory, and nothing will be stored again. */
  readonly onLost?: (error: Error) => void;
}

/** How long the thread may take to close the file, in milliseconds. */
const CLOSE_TIMEOUT = 2_000;

/**
 * The store for one server on one file. Since nobody else may open the file, the clusters in memory are the
 * truth and a decision need not read; it is made for one cluster at a time and counts once it is on the disk.
 */
export class SqliteStore implements Store {
  readonly #options: SqliteOptions;
  readonly #clusters = new Map<string, Cluster>();
  readonly #queues = new Map<string, Promise<unknown>>();
  readonly #calls = new Map<number, { resolve: (answer: never) => void; reject: (error: Error) => void }>();
  #worker: Worker | undefined;
  #nextCall = 1;
  /** Leases heard after this are not yet on the disk. */
  #flushedUpTo = -1;

  constructor(options: SqliteOptions) {
    this.#options = options;
  }

  async open(): Promise<Snapshot> {
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      name: 'sqlite',
      execArgv: [],
      // Batches of leases are its only garbage; V8's default would keep tens of megabytes for it.
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    });
    worker.on('message', (response: Response) => this.#settle(response));
    worker.on('error', (error) => this.#lost(error));
    worker.on('exit', () => this.#lost(new Error('its thread ended')));
    this.#worker = worker;
    const { file, migrations } = this.#options;
    try {
      const snapshot = await this.#call('open', { file, migrations });
      for (const cluster of snapshot.clusters) this.#clusters.set(keyOf(cluster), cluster);
      this.#flushedUpTo = snapshot.hearing;
      return snapshot;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  transact(key: ClusterKey, work: Work): Promise<Decided> {
    const name = keyOf(key);
    const before = this.#queues.get(name) ?? Promise.resolve();
    const result = before.then(() => this.#decide(key, work));
    const settled = result
      .catch(() => undefined)
      .then(() => {
        if (this.#queues.get(name) === settled) this.#queues.delete(name);
      });
    this.#queues.set(name, settled);
    return result;
  }

  async #decide(key: ClusterKey, work: Work): Promise<Decided> {
    const name = keyOf(key);
    const before = this.#clusters.get(name) ?? emptyCluster(key);
    const outcome = work(before, this.#clusters.size);
    if (outcome.cluster === before) return { ...outcome, recorded: [] };
    const { cluster } = outcome;
    const forget = isForgettable(cluster);
    const { members, waiting, departed, ...row } = cluster;
    const change: Change = {
      key: { product: key.product, name: key.name },
      cluster: forget ? undefined : row,
      members: difference(before.members, members, memberRow),
      waiting: difference(before.waiting, waiting, waitingRow),
      departed: difference(before.departed, departed, departedRow),
      events: outcome.events,
      time: this.#options.clock.wall(),
      hearing: this.#options.clock.hearing(),
    };
    const recorded = await this.#call('commit', change);
    if (forget) this.#clusters.delete(name);
    else this.#clusters.set(name, cluster);
    return { ...outcome, recorded };
  }

  async flush(hearing: number): Promise<void> {
    const batches: LeaseBatch[] = [];
    for (const { product, name, members } of this.#clusters.values()) {
      const leases: (string | number)[] = [];
      for (const { address, lease } of members.values()) {
        if (lease.heardAt <= this.#flushedUpTo) continue;
        leases.push(address, lease.heardAt, lease.delivered, Number(lease.polls));
      }
      if (leases.length > 0) batches.push({ product, name, leases });
    }
    await this.#call('flush', { batches, hearing });
    // What is heard in this very millisecond, after the rows were gathered, goes with the next batch.
    this.#flushedUpTo = hearing - 1;
  }

  events(query: EventQuery): Promise<readonly RecordedEvent[]> {
    return this.#call('events', query);
  }

  /** Waits for the calls under way, then releases the file. */
  async close(): Promise<void> {
    const worker = this.#worker;
    if (!worker) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_TIMEOUT)));
    await Promise.race([this.#call('close', null).catch(() => undefined), late]);
    clearTimeout(timer);
    this.#worker = undefined;
    await worker.terminate();
  }

  #call<K extends CallName>(call: K, ask: Calls[K]['ask']): Promise<Calls[K]['answer']> {
    const worker = this.#worker;
    if (!worker) return Promise.reject(new StoreUnavailable('the store is closed'));
    const id = this.#nextCall++;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      worker.postMessage({ id, call, ask } satisfies Request);
    });
  }

  #settle(response: Response): void {
    const call = this.#calls.get(response.id);
    this.#calls.delete(response.id);
    if (response.ok) return call?.resolve(response.answer as never);
    const { message, refused } = response;
    call?.reject(
      refused ? new StoreRefused(message) : new StoreUnavailable(`${this.#options.file}: ${message}`),
    );
  }

  #lost(error: Error): void {
    if (this.#worker === undefined) return;
    this.#worker = undefined;
    for (const { reject } of this.#calls.values()) {
      reject(new StoreUnavailable(`${this.#options.file}: ${error.message}`, { cause: error }));
    }
    this.#calls.clear();
    this.#options.onLost?.(error);
  }
}

/** What must be written to turn one version of a table into the next; unchanged values are the same objects. */
function difference<V>(
  before: ReadonlyMap<string, V>,
  after: ReadonlyMap<string, V>,
  row: (address: string, value: V, position: number) => readonly unknown[],
): Rows {
  if (before === after) return { put: [], remove: [] };
  const put: (readonly unknown[])[] = [];
  let position = 0;
  for (const [address, value] of after) {
    if (before.get(address) !== value) put.push(row(address, value, position));
    position++;
  }
  return { put, remove: [...before.keys()].filter((address) => !after.has(address)) };
}

// The columns of migrations/sqlite, without cluster_id. A position is the time of joining and the place on the
// list, so that it grows in the list's order though only new rows are written.

function memberRow(address: string, m: Member, place: number): readonly unknown[] {
  return [
    address,
    positionOf(m.joinedAt, place),
    m.id ?? null,
    m.expect ?? null,
    m.source,
    m.joinedAt,
    m.joinedRevision,
    m.knownSince ?? null,
    Number(m.settled),
    m.presence,
    m.presenceSince,
    ...leaseColumns(m.lease),
  ];
}

function waitingRow(address: string, w: Waiting, place: number): readonly unknown[] {
  const { heardAt, polls } = w.lease;
  const position = positionOf(w.since, place);
  return [address, position, w.id ?? null, w.expect ?? null, w.source, w.since, heardAt, Number(polls)];
}

function departedRow(address: string, d: Departed): readonly unknown[] {
  return [address, d.leftAt, d.quietUntil, d.lease.heardAt];
}

function leaseColumns({ heardAt, delivered, polls }: Lease): readonly number[] {
  return [heardAt, delivered, Number(polls)];
}

function positionOf(time: number, place: number): number {
  return time * 1_024 + place;
}
