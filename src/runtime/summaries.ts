import { isKnown, keyOf, type ClusterKey } from '../registry/cluster.js';
import type { ServedCluster } from './served-cluster.js';
import type { RegistryService } from './registry-service.js';
import { summaryOf } from './views.js';

/** A cluster's summary as it is sent to all listeners. */
export interface ToldSummary {
  readonly key: ClusterKey;
  /** The summary's JSON, made once for all listeners. */
  readonly json: string;
}

/** The summaries that changed, and the clusters that are gone. */
export interface SummaryChanges {
  readonly changed: readonly ToldSummary[];
  readonly gone: readonly ClusterKey[];
}

/** How long a pass may block the event loop before it pauses. */
const SLICE_LIMIT_MS = 2;

/**
 * The length of that pause, in milliseconds. A pass takes less than half of the process's time, however many
 * clusters there are.
 */
const PAUSE = 3;

/**
 * Time alone also changes a summary, since live members fall silent. That is usually decided within a moment,
 * but not while the store is away (R9). So each summary is made again after this time.
 */
const REFRESH_INTERVAL_MS = 2_000;

interface Kept extends ToldSummary {
  readonly json: string;
  entry: ServedCluster;
  stamp: number;
  madeAt: number;
}

/**
 * The summaries of all clusters as they were last sent. A pass compares one number for each cluster, and
 * makes only those summaries again that may have changed.
 */
export class Summaries {
  readonly #service: RegistryService;
  readonly #kept = new Map<string, Kept>();
  #all: readonly ToldSummary[] | undefined;

  constructor(service: RegistryService) {
    this.#service = service;
  }

  /** All summaries. The array is the same as long as nothing changes. */
  get all(): readonly ToldSummary[] {
    return (this.#all ??= [...this.#kept.values()]);
  }

  /** Goes over all clusters in slices. Stops early and returns undefined once `wanted` returns false. */
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
