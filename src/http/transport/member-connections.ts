import type { Address } from '../../registry/address.js';
import type { ServedCluster } from '../../runtime/served-cluster.js';
import type { Homes } from '../access/homes.js';
import type { Connection } from './connections.js';

/** Connections of one member that are kept: the one on which it polls, and one that follows it. */
const MOST = 2;

/** Whether a connection is kept, and which other of the same member is not any more. */
export interface Claimed {
  readonly isKept: boolean;
  readonly displaced?: Connection;
}

/**
 * Connections that are not cut for others since a member polls on them: at most two of each member, so naming one costs
 * nobody else a place. Those from its home come before all others, and the newest of those first.
 */
export class Carriers {
  readonly #homes: Homes;
  readonly #kept = new WeakMap<ServedCluster, Map<Address, Connection[]>>();

  constructor(homes: Homes) {
    this.#homes = homes;
  }

  /** Keeps a connection if its member is listed and has no two that are worth more. */
  claim(connection: Connection): Claimed {
    const { member, carries } = connection;
    if (member?.entry !== carries?.entry || member?.address !== carries?.address) this.release(connection);
    if (!member?.entry.cluster.members.has(member.address)) {
      this.release(connection);
      return { isKept: false };
    }
    if (connection.carries) return { isKept: true };
    const all = [...this.#of(member), connection].sort((a, b) => this.#compare(member, a, b));
    const [last] = all.slice(MOST);
    if (last === connection) return { isKept: false };
    if (last) this.release(last);
    this.#of(member).push(connection);
    connection.carries = member;
    return last ? { isKept: true, displaced: last } : { isKept: true };
  }

  release(connection: Connection): void {
    const { carries } = connection;
    if (!carries) return;
    connection.carries = undefined;
    const kept = this.#of(carries);
    kept.splice(kept.indexOf(connection), 1);
    if (kept.length === 0) this.#kept.get(carries.entry)?.delete(carries.address);
  }

  #of({ entry, address }: NonNullable<Connection['member']>): Connection[] {
    let members = this.#kept.get(entry);
    if (!members) this.#kept.set(entry, (members = new Map<Address, Connection[]>()));
    let kept = members.get(address);
    if (!kept) members.set(address, (kept = []));
    return kept;
  }

  /** Who is worth more first. */
  #compare({ entry, address }: NonNullable<Connection['member']>, a: Connection, b: Connection): number {
    const isHome = ({ client }: Connection): number => Number(this.#homes.isHome(entry, address, client));
    return isHome(b) - isHome(a) || b.openedAt - a.openedAt;
  }
}
