import type { ClusterStats } from '../registry/stats.js';

/** Clusters that get series of their own, at most. */
export const OWN_SERIES = 200;

/**
 * How many of them may be clusters that never had a list: whoever may poll can make as many as the server takes, and
 * must not push out those that somebody relies on.
 */
export const NEVER_FOUNDED = 50;

/** How long a cluster keeps its series after it was in trouble, so that its recovery is seen. */
export const REMEMBER_TROUBLE_MS = 3_600_000;

/** One of many clusters. */
export interface Candidate {
  /** `product/name`. */
  readonly name: string;
  readonly stats: Pick<ClusterStats, 'state' | 'epoch'>;
  /** Findings that last and harm it, whatever its state. */
  readonly raftProblems?: number;
}

export interface Chosen<C extends Candidate> {
  readonly own: readonly C[];
  /** Those that are added up. */
  readonly others: readonly C[];
}

/**
 * Which clusters get series of their own when there are too many. First those in trouble, the worst first, so that none
 * that must be looked at is out of sight; then those that were in trouble within the last hour; then the rest. Among
 * equals the name decides: a server chooses the same after a restart, and several servers choose the same. So a whole
 * cluster loses its series only to one that is in trouble, or to a new one with a smaller name.
 */
export class ClusterChoice {
  /** When clusters that had a list were last seen in trouble. */
  #troubledAt = new Map<string, number>();

  /** `now`: milliseconds on any clock that does not go back. */
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

/** Somebody waits and there never was a list. */
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

/** The first so many in this order. Of 10,000 clusters most are passed over after one look; to sort them takes long. */
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
