import type { Address } from '../registry/address.js';
import type { RefusedCaller, RefusedCode } from '../registry/refused.js';
import type { ServedCluster } from './served-cluster.js';

/** A request that was refused. Its texts are printable, cut, and hold no token. */
export interface RefusedRequest {
  /** Where it came from; undefined when a proxy does not say. */
  readonly from: string | undefined;
  /** What counts as one source: many addresses may be one caller's. */
  readonly source: string;
  /** As it was sent; undefined without. */
  readonly self: string | undefined;
  readonly path: string;
  readonly code: RefusedCode;
  /** The sentence that it was answered with. */
  readonly reason: string;
}

/** After how long without another refusal a caller is forgotten: a night and a day. */
const FORGOTTEN_AFTER_MS = 24 * 3_600_000;

/**
 * For how long after its last refusal a caller counts as one that is refused now: a node that starts again
 * and again takes minutes between its tries.
 */
const RECENT_MS = 10 * 60_000;

/** Callers of one cluster, and those that name no known cluster. */
export const MOST_OF_CLUSTER = 50;
export const MOST_ELSEWHERE = 100;

/** Callers of one source among those. Whoever sends more displaces its own. */
export const MOST_OF_SOURCE = 10;

/** Callers of all clusters together; a caller takes 2 kB at most. */
export const MOST_OF_ALL = 2_000;

/** What is noted of a caller. Times are the clock's. */
export interface Noted extends RefusedRequest {
  readonly firstAt: number;
  lastAt: number;
  times: number;
  reason: string;
  /** When it was last told to the log; see refused-trace.ts. */
  toldAt: number | undefined;
}

/**
 * Who was refused, why, since when and how often: what an operator needs to find a slip in a node's URL. It is an
 * observation of this server alone, and decides nothing. Whoever reaches the port can be refused as often as he likes, so
 * all of it is bounded: of each cluster, of each source, of all together. A caller that came once gives way before one that
 * comes again and again.
 */
export class RefusedCallers {
  readonly #now: () => number;
  /** Those that spoke in a listed member's name: one of each member, so nobody else displaces them. */
  readonly #inName = new WeakMap<ServedCluster, Map<Address, Noted>>();
  /** By the cluster's name, the table that was added to last at the end. */
  readonly #ofClusters = new Map<string, Table>();
  readonly #elsewhere = new Table(MOST_ELSEWHERE);
  #held = 0;

  /** `now`: a monotonic clock, in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** How many callers are held, those in members' names left out. */
  get size(): number {
    return this.#held + this.#elsewhere.size;
  }

  /** `cluster`: the name of a known one, or undefined. Returns what is noted of the caller now. */
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

  /** A caller speaks in a listed member's name, and may not. */
  noteInName(refusal: RefusedRequest, entry: ServedCluster, address: Address): Noted {
    const now = this.#now();
    let members = this.#inName.get(entry);
    if (!members) this.#inName.set(entry, (members = new Map<Address, Noted>()));
    const before = members.get(address);
    if (before && (refusal.code === 'rate' || isSame(before, refusal))) return again(before, refusal, now);
    const noted = noteOf(refusal, now);
    // Two that speak by turns are told once.
    noted.toldAt = before?.toldAt;
    members.set(address, noted);
    const listed = entry.cluster.members;
    if (members.size > listed.size) {
      for (const one of members.keys()) if (!listed.has(one)) members.delete(one);
    }
    return noted;
  }

  /** The sentence that callers in a listed member's name get, the last at most `within` milliseconds ago. */
  reasonOf(entry: ServedCluster, address: Address, within: number): string | undefined {
    const noted = this.#inName.get(entry)?.get(address);
    return noted && this.#now() - noted.lastAt < within ? noted.reason : undefined;
  }

  /** Those that named a cluster, the last one first. */
  ofCluster(entry: ServedCluster, cluster: string): RefusedCaller[] {
    return this.#seen(this.#named(entry, cluster));
  }

  /** How many of them were refused lately. */
  lately(entry: ServedCluster, cluster: string): number {
    const since = this.#now() - RECENT_MS;
    return this.#named(entry, cluster).filter(({ lastAt }) => lastAt > since).length;
  }

  /** Those that named no cluster that was known then, the last one first. */
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

  /** From the table to which nothing was added for longest. */
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

/** Callers in the order of their last refusals. */
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
    // That it comes too often is no news of one that was told why.
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

  /** Of a source, or of all, the first that came once; the first when each came again. */
  drop(of?: string): void {
    let first: string | undefined;
    for (const [key, { times, source }] of this.#callers) {
      if (of !== undefined && source !== of) continue;
      if (times === 1) return void this.#callers.delete(key);
      first ??= key;
    }
    if (first !== undefined) this.#callers.delete(first);
  }

  /** The last caller with the same source, `self` and path, whatever it was refused for. */
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
