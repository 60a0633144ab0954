import { addressOf, canonical, splitAddress, type Address } from '../../registry/address.js';
import { heldBy, type Cluster } from '../../registry/cluster.js';
import type { ServedCluster } from '../../runtime/served-cluster.js';

/**
 * After how long without a request from its home a member's home may be elsewhere. It exceeds a node's
 * restart, during which another caller in its name could otherwise shut it out.
 */
const LOST_AFTER_MS = 60_000;

/** The address from which a member was first heard, and is still heard. */
interface Home {
  readonly client: string;
  /** Whether it is the member's own address, which no other caller takes over. */
  readonly isOwn: boolean;
  /** When it was last heard from there, on the lease clock. */
  at: number;
  /** When another caller last spoke in the member's name, and how often it did so after the home. */
  other?: { readonly at: number; readonly turns: number };
}

/**
 * How often another caller must speak after the home to count as another node: a node that has moved speaks
 * from the new address only.
 */
const TURNS = 3;

/**
 * The homes of members: where they are heard from. Any caller can use a member's name, so the latest one
 * proves nothing. A member's home is its own address if it is ever heard from there. Otherwise it is the
 * first address from which it is heard, until nothing has come from there for a minute. Each server knows
 * only what it has heard itself since it started.
 */
export class Homes {
  readonly #homes = new WeakMap<ServedCluster, Map<Address, Home>>();

  /**
   * Records that a listed or waiting address is heard; true if that is from its home. Called at every poll.
   * `client` is undefined when a proxy does not name it.
   */
  heard(entry: ServedCluster, address: Address, client: string | undefined, now: number): boolean {
    const home = this.#homes.get(entry)?.get(address);
    if (home && home.client === client) {
      home.at = now;
      return true;
    }
    return client !== undefined && this.#moves(entry, address, client, home, now);
  }

  /**
   * The member's home, if it and another caller take turns: either two nodes have the same `self`, or one
   * node is behind two addresses.
   */
  otherHome(entry: ServedCluster, address: Address, client: string | undefined): string | undefined {
    const home = this.#homes.get(entry)?.get(address);
    if (!home || home.client === client || (home.other?.turns ?? 0) < TURNS) return undefined;
    return home.client;
  }

  /** The result of {@link heard} for a client that was heard just now. */
  isHeardAt(entry: ServedCluster, address: Address, client: string | undefined): boolean {
    return this.isHome(entry, address, client) || (client !== undefined && isOwnAddress(address, client));
  }

  /** Whether an address is the member's home. */
  isHome(entry: ServedCluster, address: Address, client: string | undefined): boolean {
    return client !== undefined && this.#homes.get(entry)?.get(address)?.client === client;
  }

  #moves(
    entry: ServedCluster,
    address: Address,
    client: string,
    home: Home | undefined,
    now: number,
  ): boolean {
    if (home?.isOwn) {
      const isToo = isOwnAddress(address, client);
      if (!isToo) noteOther(home, now);
      return isToo;
    }
    const isOwn = isOwnAddress(address, client);
    if (home && !isOwn && now - home.at <= LOST_AFTER_MS) {
      noteOther(home, now);
      return false;
    }
    let homes = this.#homes.get(entry);
    if (!homes) this.#homes.set(entry, (homes = new Map<Address, Home>()));
    homes.set(address, { client, isOwn, at: now });
    if (homes.size > 2 * heldBy(entry.cluster) + 10) forget(homes, entry.cluster);
    return true;
  }
}

function noteOther(home: Home, now: number): void {
  const { at = -Infinity, turns = 0 } = home.other ?? {};
  home.other = { at: now, turns: home.at >= at ? turns + 1 : turns };
}

/** Forgets the homes of addresses that are gone. */
function forget(homes: Map<Address, Home>, { members, waiting, tombstones }: Cluster): void {
  for (const address of homes.keys()) {
    if (!members.has(address) && !waiting.has(address) && !tombstones.has(address)) homes.delete(address);
  }
}

/** Whether a client's address is that of the member's host. A host name never matches here. */
export function isOwnAddress(address: Address, client: string): boolean {
  return canonical(addressOf(client, splitAddress(address).port)) === canonical(address);
}
