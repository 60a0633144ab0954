import type { Socket } from 'node:net';
import type { Address } from '../registry/address.js';
import type { ClusterEntry } from '../runtime/entry.js';
import type { RegistryService } from '../runtime/service.js';
import { remoteAddress, type Connection } from './connections.js';
import { liveList, ListAnswers, whole } from './list-answer.js';
import type { ListFormat, Target } from './target.js';

/** A list that may be sent at once. */
export interface Found {
  readonly entry: ClusterEntry;
  /** The members of a `view=live`, in place of all. */
  readonly live?: readonly Address[];
}

/**
 * The hot path: the list for a listed caller, or for one who asks without `self`. It touches memory only.
 * Whoever is neither, and every cluster without a list, is the slow path's.
 */
export class ListReader {
  readonly #service: RegistryService;
  readonly #answers = new ListAnswers();

  constructor(service: RegistryService) {
    this.#service = service;
  }

  /** Undefined when it takes a decision. A caller that is a member is renewed by it. */
  read(target: Target, socket: Socket, connection: Connection): Found | undefined {
    const entry = this.#service.find(target.name);
    if (!entry || entry.cluster.members.size === 0) return undefined;
    const { self } = target;
    const address = self === undefined ? undefined : addressOfSelf(self, socket);
    if (address !== undefined) {
      if (!this.#renew(entry, address, 'poll', target, connection)) return undefined;
      if (connection.member?.address !== address) connection.member = { entry, address };
    }
    if (target.live) {
      const { rules, now } = this.#service;
      return { entry, live: liveList(entry.cluster, address, rules, now) };
    }
    if (address !== undefined) entry.delivered(address, this.#service.now);
    return { entry };
  }

  /**
   * The same for a heartbeat of a listed member. A script or sidecar sends it, so its connection's end says
   * nothing about the member.
   */
  beat(target: Target, socket: Socket, connection: Connection): Found | undefined {
    const entry = this.#service.find(target.name);
    if (!entry || target.self === undefined) return undefined;
    const address = addressOfSelf(target.self, socket);
    // Not delivered: a script has it now, its Nacos has what it polls itself (R4 and R5 wait for that).
    return this.#renew(entry, address, 'heartbeat', target, connection) ? { entry } : undefined;
  }

  /** False when the address is not listed. */
  #renew(
    entry: ClusterEntry,
    address: Address,
    source: 'poll' | 'heartbeat',
    { id, expect }: Target,
    { openedAt }: Connection,
  ): boolean {
    const member = entry.cluster.members.get(address);
    if (!member) return false;
    this.#service.renew(entry, member, { address, source, id, expect, connectedAt: openedAt });
    return true;
  }

  /** The whole HTTP answer. */
  whole({ entry, live }: Found, format: ListFormat): Buffer {
    return live ? whole(entry.cluster, live, format) : this.#answers.get(entry, format);
  }
}

export function addressOfSelf(self: NonNullable<Target['self']>, socket: Socket): Address {
  return self.type === 'address' ? self.address : remoteAddress(socket, self.port);
}
