import type { Address } from '../registry/address.js';
import type { RefusedCaller, RefusedCode } from '../registry/refused.js';
import type { ServedCluster } from './served-cluster.js';

/** A refused request. Its texts are printable, shortened, and hold no token. */
export interface RefusedRequest {
  /** The address that it came from; undefined when a proxy does not report it. */
  readonly from: string | undefined;
  /** Identifies one source: many addresses may belong to one caller. */
  readonly source: string;
  /** `self` as it was sent; undefined without. */
  readonly self: string | undefined;
  readonly path: string;
  readonly code: RefusedCode;
  /** The sentence that answered it. */
  readonly reason: string;
}

/** How long after its last refusal a caller is forgotten: one day. */
const FORGOTTEN_AFTER_MS = 24 * 3_600_000;

/**
 * How long after its last refusal a caller counts as refused lately: a node that restarts in a loop takes
 * minutes between its tries.
 */
const RECENT_MS = 10 * 60_000;

/** Most callers of one cluster, and most that name no known cluster. */
export const MOST_OF_CLUSTER = 50;
export const MOST_ELSEWHERE = 100;

/** Most callers of one source among those. A source that sends more displaces its own. */
export const MOST_OF_SOURCE = 10;

/** Most callers of all clusters together; a caller takes 2 kB at most. */
export const MOST_OF_ALL = 2_000;

/** What is kept of a refused caller. Times are of the clock that {@link RefusedCallers} was given. */
export interface Noted extends RefusedRequest {
  readonly firstAt: number;
  lastAt: number;
  times: number;
  reason: string;
  /** When the log last mentioned it; see refused-trace.ts. */
  toldAt: number | undefined;
}

/**
 * Which callers were refused, why, since when and how often: what an operator needs to find a mistake in a
 * node's URL. This server alone keeps it, and it affects no decision. A client that reaches the port can be
 * refused any number of times, so the entries are bounded for each cluster, each source and all together. A
 * caller that came once is displaced before one that keeps coming.
 */
export class RefusedCallers {
  readonly #now: () => number;
  /**
   * Callers that spoke in a listed member's name. Each member has one entry, so no other caller displaces it.
   */
  readonly #inName = new WeakMap<ServedCluster, Map<Address, Noted>>();
  /** Tables by cluster name; the last one is the table that was added to last. */
  readonly #ofClusters = new Map<string, Table>();
  readonly #elsewhere = new Table(MOST_ELSEWHERE);
  #held = 0;

  /** `now` is a monotonic clock, in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** How many callers are held, except those in members' names. */
  get size(): number {
    return this.#held + this.#elsewhere.size;
  }

  /** Notes a refusal. `cluster` is the name of a known cluster, or undefined. Returns the caller's entry. */
  note(refusal: RefusedRequest, cluster: string | undefined): Noted {
    const now = this.#now();
    if (cluster === undefined) return this.#elsewhere.note(refusal, now);
    const table = this.#ofClusters.get(cluster) ?? new Table(MOST_OF_CLUSTER);
    this.#ofClusters.delete(cluster);
    this.#ofClusters.set(cluster, table);
    const before = table.size;
    const noted = table.note(refusal, now);
    this.#held += table.size - before;
    while (this.#held > MOST_OF_ALL) this.#dropOne();
    return noted;
  }

  /** Notes a caller that was refused in a listed member's name. */
  noteInName(refusal: RefusedRequest, entry: ServedCluster, address: Address): Noted {
    const now = this.#now();
    let members = this.#inName.get(entry);
    if (!members) this.#inName.set(entry, (members = new Map<Address, Noted>()));
    const before = members.get(address);
    if (before && (refusal.code === 'rate' || isSame(before, refusal))) return again(before, refusal, now);
    const noted = noteOf(refusal, now);
    // Two callers that take turns are logged once.
    noted.toldAt = before?.toldAt;
    members.set(address, noted);
    const listed = entry.cluster.members;
    if (members.size > listed.size) {
      for (const one of members.keys()) if (!listed.has(one)) members.delete(one);
    }
    return noted;
  }

  /**
   * The sentence that callers in a listed member's name get, if the last one came less than `within`
   * milliseconds ago.
   */
  reasonOf(entry: ServedCluster, address: Address, within: number): string | undefined {
    const noted = this.#inName.get(entry)?.get(address);
    return noted && this.#now() - noted.lastAt < within ? noted.reason : undefined;
  }

  /** The refused callers that named a cluster, the latest first. */
  ofCluster(entry: ServedCluster, cluster: string): RefusedCaller[] {
    return this.#seen(this.#named(entry, cluster));
  }

  /** How many callers of a cluster were refused lately. */
  lately(entry: ServedCluster, cluster: string): number {
    const since = this.#now() - RECENT_MS;
    return this.#named(entry, cluster).filter(({ lastAt }) => lastAt > since).length;
  }

  /** The refused callers that named no known cluster, the latest first. */
  elsewhere(): RefusedCaller[] {
    return this.#seen([...this.#elsewhere.all]);
  }

  #named(entry: ServedCluster, cluster: string): readonly Noted[] {
    const inName = this.#inName.get(entry);
    const table = this.#ofClusters.get(cluster);
    if (!inName && !table) return NONE;
    const listed = [...(inName ?? [])].filter(([address]) => entry.cluster.members.has(address));
    return [...listed.map(([, noted]) => noted), ...(table?.all ?? [])];
  }

  #seen(all: readonly Noted[]): RefusedCaller[] {
    const now = this.#now();
    return [...all]
      .reverse()
      .filter(({ lastAt }) => now - lastAt < FORGOTTEN_AFTER_MS)
      .sort((a, b) => b.lastAt - a.lastAt)
      .map(({ from, self, path, code, reason, times, firstAt, lastAt }) => ({
        ...(from === undefined ? {} : { from }),
        ...(self === undefined ? {} : { self }),
        path,
        code,
        reason,
        times,
        sinceMs: Math.round(now - firstAt),
        lastMs: Math.round(now - lastAt),
      }));
  }

  /** Drops a caller from the table that has gone longest without an addition. */
  #dropOne(): void {
    for (const [name, table] of this.#ofClusters) {
      table.drop();
      this.#held--;
      if (table.size === 0) this.#ofClusters.delete(name);
      return;
    }
  }
}

const NONE: readonly Noted[] = [];

/** Callers in the order of their latest refusals. */
class Table {
  readonly #most: number;
  readonly #callers = new Map<string, Noted>();

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#callers.size;
  }

  get all(): Iterable<Noted> {
    return this.#callers.values();
  }

  note(refusal: RefusedRequest, now: number): Noted {
    // A caller that is told it comes too often was told before why it is refused; that reason stays.
    const key = refusal.code === 'rate' ? this.#keyOfSource(refusal) : keyOf(refusal);
    const before = this.#callers.get(key);
    if (before && now - before.lastAt < FORGOTTEN_AFTER_MS) {
      this.#callers.delete(key);
      this.#callers.set(key, before);
      return again(before, refusal, now);
    }
    if (!before && this.#countOf(refusal.source) >= MOST_OF_SOURCE) this.drop(refusal.source);
    else if (!before && this.#callers.size >= this.#most) this.drop();
    const noted = noteOf(refusal, now);
    this.#callers.delete(key);
    this.#callers.set(key, noted);
    return noted;
  }

  #countOf(source: string): number {
    let count = 0;
    for (const caller of this.#callers.values()) if (caller.source === source) count++;
    return count;
  }

  /**
   * Drops the oldest caller, of one source or of all, that came once; the oldest of all when each came again.
   */
  drop(of?: string): void {
    let first: string | undefined;
    for (const [key, { times, source }] of this.#callers) {
      if (of !== undefined && source !== of) continue;
      if (times === 1) return void this.#callers.delete(key);
      first ??= key;
    }
    if (first !== undefined) this.#callers.delete(first);
  }

  /** The key of the latest caller with the same source, `self` and path, for any refusal code. */
  #keyOfSource(refusal: RefusedRequest): string {
    let found = keyOf(refusal);
    for (const [key, { source, self, path }] of this.#callers) {
      if (source === refusal.source && self === refusal.self && path === refusal.path) found = key;
    }
    return found;
  }
}

function keyOf({ from, self, path, code }: RefusedRequest): string {
  return JSON.stringify([from, self, path, code]);
}

function isSame(a: RefusedRequest, b: RefusedRequest): boolean {
  return a.from === b.from && a.code === b.code && a.path === b.path;
}

function noteOf(refusal: RefusedRequest, now: number): Noted {
  return { ...refusal, firstAt: now, lastAt: now, times: 1, toldAt: undefined };
}

function again(noted: Noted, { code, reason }: RefusedRequest, now: number): Noted {
  noted.times++;
  noted.lastAt = now;
  if (code === noted.code) noted.reason = reason;
  return noted;
}
