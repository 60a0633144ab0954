import { isIPv6 } from 'node:net';
import { LinkedList, type ListNode } from '../../util/linked-list.js';

/** How many buckets are kept by default. */
const KEYS = 10_000;

/** How many of the oldest buckets are checked for a full one. */
const LOOK = 8;

export interface RateLimitOptions {
  /** The tokens of a full bucket, which allow a burst. At least 1. */
  readonly burst: number;
  /** The tokens that return a second. */
  readonly perSecond: number;
  /** How many buckets are kept; 10,000 by default. */
  readonly keys?: number;
  /** A monotonic clock, in milliseconds; performance.now by default. */
  readonly now?: () => number;
}

interface Bucket {
  /** When it is full again, which determines how many tokens it holds now. */
  fullAt: number;
  readonly key: string;
  place: ListNode<Bucket> | undefined;
}

/**
 * A token bucket for each key, in constant time and bounded memory. A full bucket carries no information, so
 * beyond the bound the one unused for longest is dropped. If none of the oldest is full, some client has more
 * keys than fit: all new keys then share one bucket, so having many gains nothing.
 */
export class RateLimit {
  /** Milliseconds until one token returns. */
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
   * Takes tokens and returns 0, or takes none and returns the whole milliseconds until there are enough. A
   * request for more than a full bucket holds is granted when the bucket is full, and the rest is owed:
   * nothing more is granted until it has returned.
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

  /** The whole milliseconds until there are enough tokens; 0 if there are now. Takes none. */
  wait(key: string, tokens = 1): number {
    const now = this.#now();
    const bucket = this.#buckets.get(key) ?? (this.#hasRoom(now) ? undefined : this.#shared);
    if (!bucket) return 0;
    const wait = bucket.fullAt - now - Math.max(0, this.#burst - tokens) * this.#interval;
    // Rounding errors of the sums stay below this.
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

  /** Makes room for a new bucket, if possible. */
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
 * The key of a caller's address: an IPv4 address itself, also in IPv6 notation, and the /64 of an IPv6
 * address, which is the least that a client is assigned.
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
  // A last group in IPv4 notation stands for two groups; it lies beyond the /64 that counts here.
  const length = before.length + after.length + (ip.includes('.') ? 1 : 0);
  const all = tail === undefined ? before : [...before, ...Array<string>(8 - length).fill('0'), ...after];
  const network = all.slice(0, 4).map((group) => parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}
