import { addressOf, canonical, splitAddress, type Address } from '../../registry/address.js';
import { heldBy, type Cluster } from '../../registry/cluster.js';
import type { ServedCluster } from '../../runtime/served-cluster.js';

/**
 * After how long without a word from its home, a member may be at home elsewhere: longer than a node
 * takes to start again, or whoever spoke in its name meanwhile would shut it out.
 */
const LOST_AFTER_MS = 60_000;

/** Where a member was heard from first, and has been heard from since. */
interface Home {
  readonly client: string;
  /** Whether that is the member's own address, which nobody else takes over. */
  readonly isOwn: boolean;
  /** When it was last heard from there, on the lease clock. */
  at: number;
  /** When somebody else last spoke in its name, and how often after a word from the home. */
  other?: { readonly at: number; readonly turns: number };
}

/** How often somebody else must speak after the home to be another node: one that has moved speaks from the new address only. */
const TURNS = 3;

/**
 * From where members are heard. Anybody can say a member's name, so the last one who did proves nothing: a member's home is
 * its own address if it is ever heard from that, and otherwise the first from which it is heard, until nothing has come
 * from there for a minute. Each server knows what it heard itself since it started.
 */
export class Homes {
  readonly #homes = new WeakMap<ServedCluster, Map<Address, Home>>();

  /**
   * A listed or waiting address is heard; true when that is from its home. Called at every poll. `client`: undefined when a
   * proxy does not say.
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
   * The member's home, when it and whoever asks from elsewhere speak by turns: two nodes have the same `self`, or one is behind
   * two addresses.
   */
  otherHome(entry: ServedCluster, address: Address, client: string | undefined): string | undefined {
    const home = this.#homes.get(entry)?.get(address);
    if (!home || home.client === client || (home.other?.turns ?? 0) < TURNS) return undefined;
    return home.client;
  }

  /** What {@link heard} said of a client that was heard just now. */
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

/** Those that are gone. */
function forget(homes: Map<Address, Home>, { members, waiting, tombstones }: Cluster): void {
  for (const address of homes.keys()) {
    if (!members.has(address) && !waiting.has(address) && !tombstones.has(address)) homes.delete(address);
  }
}

/** Whether a client has the address's own host. A host name is nobody's here. */
export function isOwnAddress(address: Address, client: string): boolean {
  return canonical(addressOf(client, splitAddress(address).port)) === canonical(address);
}
