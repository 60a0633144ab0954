import type { ClusterStats } from '../registry/stats.js';

/** Most clusters with series of their own. */
export const OWN_SERIES = 200;

/**
 * How many of them may be clusters that never had a list. A caller that may poll can create as many as the
 * server takes, and must not displace clusters in use.
 */
export const NEVER_FOUNDED = 50;

/** How long a cluster keeps its series after trouble, in milliseconds, so that its recovery shows. */
export const REMEMBER_TROUBLE_MS = 3_600_000;

/** A cluster that may get series of its own. */
export interface Candidate {
  /** `product/name`. */
  readonly name: string;
  readonly stats: Pick<ClusterStats, 'state' | 'epoch'>;
  /** Persistent findings that harm the cluster, whatever its state. */
  readonly raftProblems?: number;
}

export interface Chosen<C extends Candidate> {
  readonly own: readonly C[];
  /** Clusters whose numbers are added up. */
  readonly others: readonly C[];
}

/**
 * Chooses the clusters with series of their own if there are too many: first those in trouble, the worst
 * first, so none that needs attention is hidden; then those in trouble within the last hour; then the rest.
 * Ties are broken by name, so the choice is the same after a restart and on every server. A whole cluster
 * loses its series only to one in trouble, or to a new one with a smaller name.
 */
export class ClusterChoice {
  /** When each cluster with a list was last in trouble. */
  #troubledAt = new Map<string, number>();

  /** `now`: milliseconds on any monotonic clock. */
  choose<C extends Candidate>(all: readonly C[], now: number): Chosen<C> {
    this.#note(all, now);
    if (all.length <= OWN_SERIES) return { own: all, others: [] };
    const neverBootstrapped = new Set(first(all.filter(isNew), NEVER_FOUNDED, byName));
    const rank = (one: C): number => {
      if (isNew(one)) return neverBootstrapped.has(one) ? 2 : 5;
      if (one.stats.state === 'quorum-lost' || one.stats.state === 'damaged' || isUnhealthy(one)) return 0;
      if (isTroubled(one)) return 1;
      return this.#troubledAt.has(one.name) ? 3 : 4;
    };
    const ranked = all.map((one) => ({ one, rank: rank(one), name: one.name }));
    const own = new Set(
      first(ranked, OWN_SERIES, (a, b) => a.rank - b.rank || byName(a, b)).map(({ one }) => one),
    );
    return { own: [...own], others: all.filter((one) => !own.has(one)) };
  }

  #note(all: readonly Candidate[], now: number): void {
    const before = this.#troubledAt;
    this.#troubledAt = new Map();
    for (const one of all) {
      const at = isTroubled(one) && !isNew(one) ? now : before.get(one.name);
      if (at !== undefined && now - at < REMEMBER_TROUBLE_MS) this.#troubledAt.set(one.name, at);
    }
  }
}

/** Whether a cluster has waiting addresses but never had a list. */
function isNew({ stats }: Candidate): boolean {
  return stats.epoch === 0;
}

function isUnhealthy({ raftProblems = 0 }: Candidate): boolean {
  return raftProblems > 0;
}

function isTroubled(one: Candidate): boolean {
  const { state } = one.stats;
  return (
    isUnhealthy(one) ||
    state === 'damaged' ||
    state === 'quorum-lost' ||
    state === 'impaired' ||
    state === 'bootstrapping'
  );
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/**
 * The first `count` items in this order. Faster than sorting: of 10,000 clusters most are skipped after one
 * comparison.
 */
function first<T>(all: readonly T[], count: number, compare: (a: T, b: T) => number): T[] {
  const kept: T[] = [];
  for (const one of all) {
    const last = kept[count - 1];
    if (last !== undefined && compare(one, last) >= 0) continue;
    let [from, to] = [0, kept.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      const other = kept[middle];
      if (other !== undefined && compare(one, other) < 0) to = middle;
      else from = middle + 1;
    }
    kept.splice(from, 0, one);
    if (kept.length > count) kept.pop();
  }
  return kept;
}
