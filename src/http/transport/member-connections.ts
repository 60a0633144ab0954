import type { Address } from '../../registry/address.js';
import type { ServedCluster } from '../../runtime/served-cluster.js';
import type { Homes } from '../access/homes.js';
import type { Connection } from './connections.js';

/** How many connections of a member are kept: the one on which it polls, and a successor. */
const MOST = 2;

/** Whether a connection is kept, and which other one of the member no longer is. */
export interface Claimed {
  readonly isKept: boolean;
  readonly displaced?: Connection;
}

/**
 * The connections that are not cut for others because a member polls on them: at most two of each member, so
 * naming a member takes no place from others. Those from the member's home come first, and among them the
 * newest.
 */
export class Carriers {
  readonly #homes: Homes;
  readonly #kept = new WeakMap<ServedCluster, Map<Address, Connection[]>>();

  constructor(homes: Homes) {
    this.#homes = homes;
  }

  /** Keeps a connection if its member is listed and does not have two that are worth more. */
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

  /** Orders a member's connections, the most valuable first. */
  #compare({ entry, address }: NonNullable<Connection['member']>, a: Connection, b: Connection): number {
    const isHome = ({ client }: Connection): number => Number(this.#homes.isHome(entry, address, client));
    return isHome(b) - isHome(a) || b.openedAt - a.openedAt;
  }
}
