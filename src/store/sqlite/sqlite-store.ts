import { Worker } from 'node:worker_threads';
import {
  emptyCluster,
  isForgettable,
  keyOf,
  type Cluster,
  type ClusterKey,
  type Lease,
  type StoredLease,
} from '../../registry/cluster.js';
import type { RecordedEvent } from '../../registry/events.js';
import { storedLease } from '../../registry/lease.js';
import { DELETED_KEPT } from '../../registry/rules.js';
import {
  StoreOutcomeUnknown,
  StoreRefused,
  StoreUnavailable,
  type Clock,
  type ClusterListener,
  type CommittedDecision,
  type EventQuery,
  type SyncResult,
  type OpenResult,
  type SyncRequest,
  type StoreSnapshot,
  type Store,
  type Work,
} from '../../registry/interfaces.js';
import { LoopBudget } from '../../util/loop-budget.js';
import { KeyedQueue } from '../../util/keyed-queue.js';
import { factsOf, isDirty, noteStored } from '../stored-leases.js';
import { changesOf, clusterRow, LEASE_COLUMNS, leaseRow, leasesOf, toCluster, toLease } from '../rows.js';
import type { CallName, Calls, Change, LeaseBatch, Request, Response, Stored } from './messages.js';

export interface SqliteOptions {
  /** The database file. */
  readonly file: string;
  /** Folder of the SQLite migrations. */
  readonly migrations: string;
  readonly clock: Clock;
  /** Most addresses loaded at the start; all by default. */
  readonly most?: number;
  /**
   * Called when the thread that owns the file ended by itself: a bug, or no memory. Nothing will be stored
   * any more.
   */
  readonly onLost?: (error: Error) => void;
  /** Starts the thread that owns the file; by default a worker thread, so a slow disk delays no poll. */
  readonly startThread?: () => DatabaseThread;
}

/**
 * Answers {@link Request}s with {@link Response}s in their order: a `Worker`, as far as the store uses it.
 */
export interface DatabaseThread {
  on(event: 'message', listener: (response: Response) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'exit', listener: () => void): unknown;
  postMessage(request: Request): void;
  terminate(): Promise<unknown>;
}

/** Time limit for closing the file. */
const CLOSE_TIMEOUT_MS = 2_000;

/**
 * Store for one server on one file. No other process may open the file, so the clusters in memory are
 * authoritative and a decision reads nothing. Decisions about a cluster are made one at a time, and count
 * once they are on disk.
 */
export class SqliteStore implements Store {
  readonly pace = 1_000;
  readonly isShared = false;
  readonly #options: SqliteOptions;
  /** Clusters in the file that exceeded the limit at the start. */
  #left = new Set<string>();
  readonly #clusters = new Map<string, Cluster>();
  /** Revisions of deleted clusters. */
  readonly #deleted = new Map<string, number>();
  readonly #queue = new KeyedQueue();
  /** Keeps a burst of decisions from delaying polls that need none. */
  readonly #share = new LoopBudget();
  readonly #calls = new Map<number, { resolve: (answer: never) => void; reject: (error: Error) => void }>();
  #thread: DatabaseThread | undefined;
  #listener: ClusterListener | undefined;
  #nextCall = 1;

  constructor(options: SqliteOptions) {
    this.#options = options;
  }

  async open(listener: ClusterListener): Promise<OpenResult> {
    this.#listener = listener;
    const { file, migrations, most = Number.MAX_SAFE_INTEGER, startThread = startWorker } = this.#options;
    const thread = startThread();
    thread.on('message', (response: Response) => this.#settle(response));
    thread.on('error', (error) => this.#lost(error));
    thread.on('exit', () => this.#lost(new Error('its thread ended')));
    this.#thread = thread;
    try {
      const stored = await this.#call('open', { file, migrations, most });
      for (const rows of stored.clusters) this.#keep(this.#load(rows));
      this.#left = new Set(stored.left.map(keyOf));
      return { hearing: stored.hearing, attended: false, left: this.#left.size };
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  #load(rows: Stored['clusters'][number]): Cluster {
    const leases = new Map(rows.leases.map((row) => [row.address, toLease(row)]));
    return toCluster(rows, (address) => {
      const facts = leases.get(address);
      if (!facts) return undefined;
      const lease = storedLease(facts);
      noteStored(lease, facts);
      return lease;
    });
  }

  transact(key: ClusterKey, work: Work): Promise<CommittedDecision> {
    return this.#queue.run(keyOf(key), () => this.#decide(key, work));
  }

  async #decide(key: ClusterKey, work: Work): Promise<CommittedDecision> {
    const name = keyOf(key);
    const isLeft = this.#left.has(name);
    const rows = isLeft ? await this.#call('load', { product: key.product, name: key.name }) : undefined;
    const { before, outcome } = await this.#share.call(() => {
      const cluster = rows ? this.#load(rows) : (this.#clusters.get(name) ?? this.#none(key));
      return { before: cluster, outcome: work(cluster, { ...this.#scene(), isLeft }) };
    });
    if (outcome.cluster === before) return { ...outcome, recorded: [] };
    const { cluster } = outcome;
    const forget = isForgettable(cluster);
    const leases = leasesOf(cluster);
    const written = [...leases].filter(([, lease]) => isDirty(lease));
    const facts = written.map(([, lease]) => factsOf(lease));
    const change: Change = {
      ...changesOf(before, cluster),
      key: { product: key.product, name: key.name },
      cluster: forget && cluster.revision === 0 ? undefined : clusterRow(cluster),
      leases: {
        put: written.map(([address, lease]) => leaseRow(address, lease)),
        remove: [...leasesOf(before).keys()].filter((address) => !leases.has(address)),
      },
      events: outcome.events,
      time: this.#options.clock.wall(),
      hearing: this.#options.clock.now(),
    };
    const recorded = await this.#call('commit', change);
    this.#left.delete(name);
    written.forEach(([, lease], i) => noteStored(lease, facts[i] ?? factsOf(lease)));
    this.#keep(cluster);
    return { ...outcome, recorded };
  }

  #keep(cluster: Cluster): void {
    const name = keyOf(cluster);
    this.#deleted.delete(name);
    if (isForgettable(cluster)) {
      this.#clusters.delete(name);
      if (cluster.revision > 0) this.#deleted.set(name, cluster.revision);
      const [oldest] = this.#deleted.keys();
      if (this.#deleted.size > DELETED_KEPT && oldest !== undefined) this.#deleted.delete(oldest);
    } else {
      this.#clusters.set(name, cluster);
    }
    this.#listener?.changed(cluster, cluster);
  }

  /** A new cluster. If it was deleted before, its revisions continue from there. */
  #none(key: ClusterKey): Cluster {
    return { ...emptyCluster(key), revision: this.#deleted.get(keyOf(key)) ?? 0 };
  }

  #scene(): StoreSnapshot {
    return {
      now: this.#options.clock.now(),
      graceUntil: 0,
      clusters: this.#clusters.size,
    };
  }

  async sync({ hearing }: SyncRequest): Promise<SyncResult> {
    const batches: LeaseBatch[] = [];
    const written: [Lease, StoredLease][] = [];
    for (const cluster of this.#clusters.values()) {
      const leases: (string | number)[] = [];
      for (const { address, lease } of cluster.members.values()) {
        if (!isDirty(lease)) continue;
        const facts = factsOf(lease);
        written.push([lease, facts]);
        const row = leaseRow(address, facts);
        for (const column of LEASE_COLUMNS) leases.push(row[column]);
      }
      if (leases.length > 0) batches.push({ product: cluster.product, name: cluster.name, leases });
    }
    await this.#call('flush', { batches, hearing });
    for (const [lease, facts] of written) noteStored(lease, facts);
    return {
      scene: this.#scene(),
      missedMs: 0,
      others: 0,
      isAlone: true,
      soon: false,
      written: written.length,
    };
  }

  events(query: EventQuery): Promise<readonly RecordedEvent[]> {
    return this.#call('events', query);
  }

  /** Waits for pending calls, at most {@link CLOSE_TIMEOUT_MS}, then releases the file. */
  async close(): Promise<void> {
    const thread = this.#thread;
    if (!thread) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_TIMEOUT_MS)));
    await Promise.race([this.#call('close', null).catch(() => undefined), late]);
    clearTimeout(timer);
    this.#thread = undefined;
    await thread.terminate();
  }

  #call<K extends CallName>(call: K, ask: Calls[K]['ask']): Promise<Calls[K]['answer']> {
    const thread = this.#thread;
    if (!thread) return Promise.reject(new StoreUnavailable('the store is closed'));
    const id = this.#nextCall++;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      thread.postMessage({ id, call, ask } satisfies Request);
    });
  }

  #settle(response: Response): void {
    const call = this.#calls.get(response.id);
    this.#calls.delete(response.id);
    if (response.ok) return call?.resolve(response.answer as never);
    const { message, refused } = response;
    call?.reject(
      refused
        ? new StoreRefused(message, refused)
        : new StoreUnavailable(`${this.#options.file}: ${message}`),
    );
  }

  #lost(error: Error): void {
    if (this.#thread === undefined) return;
    this.#thread = undefined;
    // Pending calls may have reached the disk.
    for (const { reject } of this.#calls.values()) {
      reject(new StoreOutcomeUnknown(`${this.#options.file}: ${error.message}`, { cause: error }));
    }
    this.#calls.clear();
    this.#options.onLost?.(error);
  }
}

function startWorker(): DatabaseThread {
  return new Worker(new URL('./worker.js', import.meta.url), {
    name: 'sqlite',
    execArgv: [],
    // Batches of leases are its only garbage; V8's default would reserve tens of megabytes for it.
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  });
}
