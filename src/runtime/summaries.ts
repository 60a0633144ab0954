import { isKnown, keyOf, type ClusterKey } from '../registry/cluster.js';
import type { ServedCluster } from './served-cluster.js';
import type { RegistryService } from './registry-service.js';
import { summaryOf } from './views.js';

/** A cluster's summary as it is told to everybody. */
export interface ToldSummary {
  readonly key: ClusterKey;
  /** Its JSON, made once for all who listen. */
  readonly json: string;
}

/** What became of the summaries. */
export interface SummaryChanges {
  readonly changed: readonly ToldSummary[];
  readonly gone: readonly ClusterKey[];
}

/** How long a pass may hold up the process before it lets others go on. */
const SLICE_LIMIT_MS = 2;

/** How long it then waits: so it takes less than half of the process's time, however many clusters there are. */
const PAUSE = 3;

/**
 * A summary also changes by the mere passing of time, which turns live members silent: usually that is decided within a
 * moment, but not while the store is away (R9). So each is made anew after this time.
 */
const REFRESH_INTERVAL_MS = 2_000;

interface Kept extends ToldSummary {
  readonly json: string;
  entry: ServedCluster;
  stamp: number;
  madeAt: number;
}

/**
 * The summaries of all clusters as they were told last. A pass compares a number for each cluster, and makes anew what
 * that says may have changed.
 */
export class Summaries {
  readonly #service: RegistryService;
  readonly #kept = new Map<string, Kept>();
  #all: readonly ToldSummary[] | undefined;

  constructor(service: RegistryService) {
    this.#service = service;
  }

  /** The same array as long as nothing changes. */
  get all(): readonly ToldSummary[] {
    return (this.#all ??= [...this.#kept.values()]);
  }

  /** Goes over all clusters in slices. Stops early, and returns undefined, when `wanted` says no. */
  async pass(wanted: () => boolean): Promise<SummaryChanges | undefined> {
    const changed: ToldSummary[] = [];
    const gone: ClusterKey[] = [];
    const met = new Set<string>();
    let sliceEnd = performance.now() + SLICE_LIMIT_MS;
    for (const entry of this.#service.entries) {
      const now = performance.now();
      if (now > sliceEnd) {
        await pause();
        if (!wanted()) return undefined;
        sliceEnd = performance.now() + SLICE_LIMIT_MS;
      }
      const { cluster } = entry;
      if (!isKnown(cluster)) continue;
      const name = keyOf(cluster);
      met.add(name);
      const told = this.#kept.get(name);
      if (told?.entry === entry && told.stamp === entry.stamp && now - told.madeAt < REFRESH_INTERVAL_MS)
        continue;
      const fresh = this.#make(entry, now);
      if (told?.json === fresh.json) {
        Object.assign(told, { entry, stamp: fresh.stamp, madeAt: now });
      } else {
        this.#kept.set(name, fresh);
        this.#all = undefined;
        changed.push(fresh);
      }
    }
    for (const [name, { key }] of met.size === this.#kept.size ? [] : this.#kept) {
      if (met.has(name)) continue;
      this.#kept.delete(name);
      this.#all = undefined;
      gone.push(key);
    }
    return { changed, gone };
  }

  #make(entry: ServedCluster, madeAt: number): Kept {
    const { product, name } = entry.cluster;
    const { stamp } = entry;
    return {
      key: { product, name },
      json: JSON.stringify(summaryOf(entry, this.#service)),
      entry,
      stamp,
      madeAt,
    };
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE));
}
