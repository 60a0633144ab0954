import type { Socket } from 'node:net';
import type { Address } from '../registry/address.js';
import type { Cluster } from '../registry/cluster.js';
import type { ClusterEntry } from '../runtime/entry.js';
import type { RegistryService } from '../runtime/service.js';
import { noteSent, remoteAddress, type Connection } from './connections.js';
import { liveList, ListAnswers, whole } from './list-answer.js';
import type { ListFormat, Target } from './target.js';

/** A list that may be sent at once. */
export interface Found {
  readonly list: Cluster;
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
      return { list: entry.cluster, live: liveList(entry.cluster, address, rules, now) };
    }
    const list = this.#service.listFor(entry, address, connection.sent);
    if (!list || list.members.size === 0) return undefined;
    if (address !== undefined) entry.delivered(address, list, this.#service.now);
    if (this.#service.isShared) noteSent(connection, list);
    return { list };
  }

  /**
   * The same for a heartbeat of a listed member. A script or sidecar sends it, so its connection's end says
   * nothing about the member.
   */
  beat(target: Target, socket: Socket, connection: Connection): Found | undefined {
    const entry = this.#service.find(target.name);
    if (!entry || target.self === undefined) return undefined;
    const address = addressOfSelf(target.self, socket);
    if (!this.#renew(entry, address, 'heartbeat', target, connection)) return undefined;
    // Not delivered: a script has it now, its Nacos has what it polls itself (R4 and R5 wait for that).
    const list = this.#service.listFor(entry, address, connection.sent);
    if (list && this.#service.isShared) noteSent(connection, list);
    return list && { list };
  }

  /** False when the address is not listed, or its poll takes a decision. */
  #renew(
    entry: ClusterEntry,
    address: Address,
    source: 'poll' | 'heartbeat',
    { id, expect }: Target,
    { openedAt }: Connection,
  ): boolean {
    const member = entry.cluster.members.get(address);
    if (!member) return false;
    return this.#service.renew(entry, member, {
      address,
      source,
      id,
      expect,
      openedAt,
    });
  }

  /** The whole HTTP answer. */
  whole({ list, live }: Found, format: ListFormat): Buffer {
    return live ? whole(list, live, format) : this.#answers.get(list, format);
  }
}

export function addressOfSelf(self: NonNullable<Target['self']>, socket: Socket): Address {
  return self.type === 'address' ? self.address : remoteAddress(socket, self.port);
}
