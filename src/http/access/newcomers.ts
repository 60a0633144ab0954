import type { Address } from '../../registry/address.js';

/** Limits on the unproven things that one client may create; 0 for no limit. */
export interface NewcomerLimits {
  readonly addresses: number;
  readonly clusters: number;
}

/** Tells what became of the things that a client created. */
export interface Made {
  /** Whether the address waits, or has not settled. */
  isNew(cluster: string, address: Address): boolean;
  exists(cluster: string): boolean;
}

/** The notes about one client. */
interface Notes {
  readonly addresses: Map<string, readonly [cluster: string, address: Address]>;
  readonly clusters: Set<string>;
}

/** How many clients are noted at most; beyond that, the one noted first is forgotten. */
const CLIENTS = 10_000;

/**
 * Counts, for each client without a token, the addresses that it introduced and that still wait or have not
 * settled, and the clusters that it created. Room for these is limited, and no client may take all of it.
 * Whatever has settled or is gone no longer counts; that is checked when a client reaches its limit. The
 * counts restart with the server.
 */
export class Newcomers {
  readonly #limits: NewcomerLimits;
  readonly #made: Made;
  readonly #clients = new Map<string, Notes>();

  constructor(limits: NewcomerLimits, made: Made) {
    this.#limits = limits;
    this.#made = made;
  }

  /**
   * Notes that a client introduces addresses. Returns a sentence, and notes nothing, if they exceed the
   * limit.
   */
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
