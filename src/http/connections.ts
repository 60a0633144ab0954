import type { Socket } from 'node:net';
import { addressOf, type Address } from '../registry/address.js';
import type { Cluster } from '../registry/cluster.js';
import type { ClusterEntry } from '../runtime/entry.js';
import type { RegistryService } from '../runtime/service.js';

/** What is known of one TCP connection. */
export interface Connection {
  /** On the service's monotonic clock: the hearing clock may be set back to that of other servers. */
  readonly openedAt: number;
  /** The member whose polls it carries. */
  member?: { readonly entry: ClusterEntry; readonly address: Address };
  /** The list that was last sent on it, and when (performance.now()). */
  sent?: { list: Cluster; at: number };
}

/** Watches the connections that members poll on: one that ends is a sign of death (R10). */
export class Connections {
  readonly #service: RegistryService;
  readonly #open = new Map<Socket, Connection>();
  #closing = false;

  constructor(service: RegistryService) {
    this.#service = service;
  }

  track(socket: Socket): Connection {
    const connection: Connection = { openedAt: this.#service.monotonic };
    let endedByPeer = false;
    const onEnd = (): void => void (endedByPeer = true);
    socket.once('end', onEnd).once('error', onEnd);
    // One that ended while its request was decided on says so no more.
    if (socket.destroyed) return connection;
    this.#open.set(socket, connection);
    socket.once('close', () => {
      this.#open.delete(socket);
      if (connection.member && !this.#closing) {
        const { entry, address } = connection.member;
        this.#service.connectionClosed(entry, address, endedByPeer);
      }
    });
    return connection;
  }

  of(socket: Socket): Connection {
    return this.#open.get(socket) ?? this.track(socket);
  }

  /** From here on it is this server that ends connections, and that says nothing of the members. */
  stopWatching(): void {
    this.#closing = true;
  }

  get sockets(): Iterable<Socket> {
    return this.#open.keys();
  }
}

/** A list goes out on a connection. In place: this happens at every poll. */
export function noteSent(connection: Connection, list: Cluster): void {
  const at = performance.now();
  if (connection.sent) {
    connection.sent.list = list;
    connection.sent.at = at;
  } else {
    connection.sent = { list, at };
  }
}

/** The address that `self=auto` stands for. */
export function remoteAddress(socket: Socket, port: number): Address {
  return addressOf(socket.remoteAddress ?? '', port);
}
