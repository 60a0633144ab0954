import type { ClusterView } from '../registry/view.js';
import { nameOf } from './cluster-name.js';
import type { Picture } from './cluster-cache.js';

/** Fields that only show how much time has passed. */
const AGES = new Set(['silentMs', 'leaseMs', 'waitingMs']);

export interface Change {
  readonly name: string;
  /** Undefined if the cluster is unknown or was deleted. */
  readonly view: ClusterView | undefined;
}

/** Finds what changed from one picture to the next, ignoring the passing of time. */
export class Changes {
  readonly #known = new Map<string, string>();

  since({ clusters, summaries }: Picture): Change[] {
    const changes: Change[] = [];
    const isListed = new Set(summaries.map(nameOf));
    const names = new Set([...this.#known.keys(), ...clusters.keys()]);
    for (const name of names) {
      const view = clusters.get(name);
      // It exists, and its details were not requested yet.
      if (!view && isListed.has(name)) continue;
      const text = withoutAges(view);
      if (this.#known.get(name) === text) continue;
      this.#known.set(name, text);
      changes.push({ name, view });
    }
    return changes;
  }
}

function withoutAges(view: ClusterView | undefined): string {
  return JSON.stringify(view ?? null, (key, value: unknown) => (AGES.has(key) ? undefined : value));
}
