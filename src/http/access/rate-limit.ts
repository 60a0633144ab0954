import { isIPv6 } from 'node:net';
import { LinkedList, type ListNode } from '../../util/linked-list.js';

/** Buckets kept by default. */
const KEYS = 10_000;

/** How many of the oldest buckets are looked at for one that is full. */
const LOOK = 8;

export interface RateLimitOptions {
  /** Tokens of a full bucket: what may be done at once. At least 1. */
  readonly burst: number;
  /** Tokens that come back a second. */
  readonly perSecond: number;
  /** Buckets kept; 10,000 by default. */
  readonly keys?: number;
  /** A monotonic clock, in milliseconds; performance.now by default. */
  readonly now?: () => number;
}

interface Bucket {
  /** When it is full again; that alone says how many tokens it holds now. */
  fullAt: number;
  readonly key: string;
  place: ListNode<Bucket> | undefined;
}

/**
 * A token bucket for each key, in constant time and bounded memory. A full bucket is as good as none, so the one unused
 * for longest is forgotten when there are too many. When none of the oldest is full, somebody has more keys than can be
 * kept: all that are new then share one bucket, so nobody gains by having many.
 */
export class RateLimit {
  /** Milliseconds until a token comes back. */
  readonly #interval: number;
  readonly #burst: number;
  readonly #keys: number;
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();
  /** By their last use, the oldest first. */
  readonly #order = new LinkedList<Bucket>();
  readonly #shared: Bucket = { key: '', fullAt: -Infinity, place: undefined };

  constructor({ burst, perSecond, keys = KEYS, now = () => performance.now() }: RateLimitOptions) {
    this.#interval = 1_000 / perSecond;
    this.#burst = burst;
    this.#keys = keys;
    this.#now = now;
  }

  /**
   * Takes so many tokens: 0; or, with none taken, the whole milliseconds until they are there. More than a bucket holds
   * are given when it is full, and owed: nothing more is given until they have come back.
   */
  take(key: string, tokens = 1): number {
    const wait = this.wait(key, tokens);
    if (wait > 0) return wait;
    const bucket = this.#buckets.get(key) ?? this.#keep(key);
    bucket.fullAt = Math.max(bucket.fullAt, this.#now()) + tokens * this.#interval;
    if (bucket.place) {
      this.#order.remove(bucket.place);
      bucket.place = this.#order.add(bucket);
    }
    return 0;
  }

  /** The whole milliseconds until there are so many tokens; 0 when there are. Takes none. */
  wait(key: string, tokens = 1): number {
    const now = this.#now();
    const bucket = this.#buckets.get(key) ?? (this.#hasRoom(now) ? undefined : this.#shared);
    if (!bucket) return 0;
    const wait = bucket.fullAt - now - Math.max(0, this.#burst - tokens) * this.#interval;
    // Sums of fractions miss by less than that.
    return wait > 1e-3 ? Math.ceil(wait) : 0;
  }

  /** How many buckets are kept. */
  get size(): number {
    return this.#buckets.size;
  }

  #keep(key: string): Bucket {
    if (!this.#hasRoom(this.#now())) return this.#shared;
    const bucket: Bucket = { key, fullAt: -Infinity, place: undefined };
    bucket.place = this.#order.add(bucket);
    this.#buckets.set(key, bucket);
    return bucket;
  }

  /** Makes room if it can. */
  #hasRoom(now: number): boolean {
    if (this.#buckets.size < this.#keys) return true;
    let place = this.#order.first;
    for (let looks = 0; place && looks < LOOK; looks++, place = place.after) {
      if (place.value.fullAt > now) continue;
      this.#order.remove(place);
      this.#buckets.delete(place.value.key);
      return true;
    }
    return false;
  }
}

/**
 * The key of a caller's address: an IPv4 address itself, in IPv6 notation too, and of an IPv6 address its /64, the least
 * that anybody is given.
 */
export function rateKey(address: string): string {
  const [ip = ''] = address.toLowerCase().split('%', 1);
  const v4 = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/.exec(ip)?.[1];
  if (v4 !== undefined) return v4;
  if (!isIPv6(ip)) return ip;
  const [head = '', tail] = ip.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const before = groups(head);
  const after = groups(tail ?? '');
  // A last group in IPv4 notation stands for two; it is beyond the /64 that counts here.
  const length = before.length + after.length + (ip.includes('.') ? 1 : 0);
  const all = tail === undefined ? before : [...before, ...Array<string>(8 - length).fill('0'), ...after];
  const network = all.slice(0, 4).map((group) => parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}
