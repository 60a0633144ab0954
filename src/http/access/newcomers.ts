import type { Address } from '../../registry/address.js';

/** What one client may have made that nobody relies on yet; 0 for no limit. */
export interface NewcomerLimits {
  readonly addresses: number;
  readonly clusters: number;
}

/** What became of what a client made. */
export interface Made {
  /** Whether the address waits, or has not settled. */
  isNew(cluster: string, address: Address): boolean;
  exists(cluster: string): boolean;
}

/** What is noted of one client. */
interface Notes {
  readonly addresses: Map<string, readonly [cluster: string, address: Address]>;
  readonly clusters: Set<string>;
}

/** Clients of which something is noted, at most; when there are more, the one noted first is forgotten. */
const CLIENTS = 10_000;

/**
 * Counts, for each client without a token, the addresses that it made known and that wait or have not settled yet, and
 * the clusters that it made: there is room for so many only, and nobody may take all of it. What has settled or is gone
 * counts no more; it is looked at when somebody is at the limit. After a restart the counts begin anew.
 */
export class Newcomers {
  readonly #limits: NewcomerLimits;
  readonly #made: Made;
  readonly #clients = new Map<string, Notes>();

  constructor(limits: NewcomerLimits, made: Made) {
    this.#limits = limits;
    this.#made = made;
  }

  /** Notes that a client makes an address known; a sentence instead when it is one too many, and then notes nothing. */
  take(client: string, cluster: string, addresses: readonly Address[]): string | undefined {
    const { addresses: most, clusters: mostClusters } = this.#limits;
    const notes = this.#notesOf(client);
    const isMade = !this.#made.exists(cluster);
    if (isMade && mostClusters > 0 && !notes.clusters.has(cluster) && notes.clusters.size >= mostClusters) {
      for (const name of notes.clusters) if (!this.#made.exists(name)) notes.clusters.delete(name);
      if (notes.clusters.size >= mostClusters)
        return `${client} has made ${mostClusters} clusters without a token, the most that one client may (CLIENT_CLUSTERS); delete some, or send a token`;
    }
    const names = addresses.map((address) => `${cluster} ${address}`);
    const fresh = names.filter((name) => !notes.addresses.has(name)).length;
    if (most > 0 && notes.addresses.size + fresh > most) {
      for (const [name, [where, address]] of notes.addresses) {
        if (!this.#made.isNew(where, address)) notes.addresses.delete(name);
      }
      if (notes.addresses.size + fresh > most)
        return `${client} has ${notes.addresses.size} addresses that wait or have not settled yet, and one client without a token may have ${most} (CLIENT_ADDRESSES); send a token`;
    }
    if (isMade && mostClusters > 0) notes.clusters.add(cluster);
    if (most > 0) addresses.forEach((address, i) => notes.addresses.set(names[i] ?? '', [cluster, address]));
    return undefined;
  }

  #notesOf(client: string): Notes {
    let notes = this.#clients.get(client);
    if (!notes) {
      for (const first of this.#clients.size >= CLIENTS ? this.#clients.keys() : []) {
        this.#clients.delete(first);
        break;
      }
      this.#clients.set(client, (notes = { addresses: new Map(), clusters: new Set() }));
    }
    return notes;
  }
}
