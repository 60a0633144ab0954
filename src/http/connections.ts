import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Address } from '../registry/address.js';
import type { Cluster } from '../registry/cluster.js';
import type { ClusterEntry } from '../runtime/entry.js';
import type { RegistryService } from '../runtime/service.js';
import type { ClientAddresses } from './access/client-address.js';

/** What is known of one TCP connection. */
export interface Connection {
  /** On the service's monotonic clock: the hearing clock may be set back to that of other servers. */
  readonly openedAt: number;
  /** Where its requests come from; undefined when a trusted proxy does not say. */
  readonly client: string | undefined;
  /** The member's address that was last found to be the client's own (MEMBER_SOURCE=strict). */
  ownAddress?: Address;
  /** The member whose polls it carries. */
  member?: { readonly entry: ClusterEntry; readonly address: Address };
  /** The list that was last sent on it, and when (performance.now()). */
  sent?: { list: Cluster; at: number };
}

/** Watches the connections that members poll on: one that ends is a sign of death (R10). */
export class Connections {
  readonly #service: RegistryService;
  readonly #clients: ClientAddresses;
  readonly #open = new Map<Socket, Connection>();
  #closing = false;

  constructor(service: RegistryService, clients: ClientAddresses) {
    this.#service = service;
    this.#clients = clients;
  }

  track(socket: Socket): Connection {
    const connection: Connection = { openedAt: this.#service.monotonic, client: socket.remoteAddress };
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

  /**
   * The connection that a request came on. What a trusted proxy sends may be of a different client each time: each
   * request then counts as a connection of its own, which nobody watches, since its end says nothing of a member.
   */
  of(request: IncomingMessage): Connection {
    const { socket } = request;
    if (this.isProxy(socket)) {
      return { openedAt: this.#service.monotonic, client: this.#clients.of(request) };
    }
    return this.#open.get(socket) ?? this.track(socket);
  }

  /** Whether requests on the connection may be of different clients. */
  isProxy(socket: Socket): boolean {
    return this.#clients.isProxy(socket);
  }

  /** From here on it is this server that ends connections, and that says nothing of the members. */
  stopWatching(): void {
    this.#closing = true;
  }

  /** How many are open, and how many of them a member polls on. */
  count(): { readonly open: number; readonly members: number } {
    let members = 0;
    for (const { member } of this.#open.values()) if (member) members++;
    return { open: this.#open.size, members };
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
