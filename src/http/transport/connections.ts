import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Address } from '../../registry/address.js';
import type { Cluster } from '../../registry/cluster.js';
import type { ServedCluster } from '../../runtime/served-cluster.js';
import type { RegistryService } from '../../runtime/registry-service.js';
import type { AccessControl } from '../access/access-control.js';
import type { ClientAddresses } from '../access/client-address.js';
import { Carriers, type Claimed } from './member-connections.js';
import type { Limits } from './limits.js';
import { LinkedList, type ListNode } from '../../util/linked-list.js';
import type { LogThrottle } from './log-throttle.js';
import type { RefusalReason, TrafficObserver } from '../http-observer.js';

/** The state of a caller's connection. */
export interface PeerState {
  /**
   * When the connection was opened, on the service's monotonic clock; the lease clock may be set back to that
   * of other servers.
   */
  readonly openedAt: number;
  /** Where its requests come from; undefined when a trusted proxy does not name the client. */
  readonly client: string | undefined;
  /** The member's address last found to be the client's own (VERIFY_SOURCE=on). */
  ownAddress?: Address;
  /** The member whose polls it carries. */
  member?: { readonly entry: ServedCluster; readonly address: Address };
  /** The list last sent on it, when (performance.now()), and to which address. */
  sent?: { cluster: Cluster; at: number; address: Address | undefined };
  /**
   * Whether lists for several addresses were sent on it. Then a proxy is in between, and each address may be
   * sent another list elsewhere.
   */
  isShared?: boolean;
}

/** One TCP connection. */
export interface Connection extends PeerState {
  readonly socket: Socket;
  /** Whether the server behind the front door is handling a request on it. */
  isBusy: boolean;
  /** The member for which it is kept (member-connections.ts). */
  carries?: Connection['member'] | undefined;
  /** Its place among the idle or the busy connections that may be cut; none while it is known to be kept. */
  place?: ListNode<Connection> | undefined;
}

/**
 * All connections. Watches those on which members poll, since the end of one is a sign of death (R10). Also
 * limits their number: strangers are cut before a member is refused.
 */
export class Connections {
  readonly #service: RegistryService;
  readonly #clients: ClientAddresses;
  readonly #carriers: Carriers;
  readonly #limits: Limits;
  readonly #logThrottle: LogThrottle;
  readonly #traffic: TrafficObserver;
  readonly #open = new Map<Socket, Connection>();
  readonly #idle = new LinkedList<Connection>();
  readonly #busy = new LinkedList<Connection>();
  #closing = false;

  constructor(
    service: RegistryService,
    { clients, homes }: Pick<AccessControl, 'clients' | 'homes'>,
    limits: Limits,
    logThrottle: LogThrottle,
    traffic: TrafficObserver,
  ) {
    this.#service = service;
    this.#clients = clients;
    this.#carriers = new Carriers(homes);
    this.#limits = limits;
    this.#logThrottle = logThrottle;
    this.#traffic = traffic;
  }

  /**
   * Admits a new connection, in constant time. Undefined if it must be refused, because the limit is reached
   * and every connection is kept for a member. Otherwise cuts a stranger to make room: the one that has been
   * idle longest, or, if none is idle, the one that has been busy longest.
   */
  admit(socket: Socket): Connection | undefined {
    if (this.#open.size >= this.#limits.connections && !this.#makeRoom()) return undefined;
    return this.track(socket);
  }

  track(socket: Socket): Connection {
    const connection: Connection = {
      socket,
      openedAt: this.#service.monotonic,
      client: socket.remoteAddress,
      isBusy: false,
    };
    let endedByPeer = false;
    const onEnd = (): void => void (endedByPeer = true);
    socket.once('end', onEnd).once('error', onEnd);
    // A socket that was destroyed while its request was pending emits no further events.
    if (socket.destroyed) return connection;
    this.#open.set(socket, connection);
    connection.place = this.#idle.add(connection);
    socket.once('close', () => {
      this.#forget(connection);
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

  /**
   * The sender of a request. A trusted proxy's requests may each be of another client: each counts as one on
   * a connection of its own, which is not watched, since its end says nothing about a member.
   */
  callerOf(request: IncomingMessage): PeerState {
    const { socket } = request;
    if (!this.isProxy(socket)) return this.of(socket);
    return { openedAt: this.#service.monotonic, client: this.#clients.of(request) };
  }

  /** Whether the connection may carry requests of different clients. */
  isProxy(socket: Socket): boolean {
    return this.#clients.isProxy(socket);
  }

  /**
   * Records that the server behind the front door begins or ends a request on it; the front door itself takes
   * no time.
   */
  setBusy(connection: Connection, isBusy: boolean): void {
    if (connection.isBusy === isBusy || !this.#open.has(connection.socket)) return;
    this.#leaveRow(connection);
    connection.isBusy = isBusy;
    connection.place = this.#rowOf(connection).add(connection);
  }

  /** Cuts off the callers with the most unread data while the total exceeds its limit. */
  cutSlowReaders(): void {
    let { unread } = this;
    if (unread <= this.#limits.unreadByAll) return;
    this.#logThrottle.warn(
      { unread },
      'unread answers pile up; the callers with the most unread are cut off',
    );
    const most = [...this.#open.keys()].sort((a, b) => b.writableLength - a.writableLength);
    for (const socket of most) {
      if (unread <= this.#limits.unreadByAll) return;
      unread -= socket.writableLength;
      this.cut(socket, 'slow');
    }
  }

  /** Ends a connection that exceeds a limit. */
  cut(socket: Socket, reason: RefusalReason): void {
    if (socket.destroyed) return;
    this.#traffic.refused(reason);
    socket.destroy();
  }

  /** Ends a connection without traffic for too long: its client does not read, or it is idle. */
  cutStill(socket: Socket): void {
    if (this.#open.get(socket)?.isBusy) this.cut(socket, 'slow');
    else socket.destroy();
  }

  /** Stops watching: from now on this server ends connections, which says nothing about the members. */
  stopWatching(): void {
    this.#closing = true;
  }

  /** How many connections are open, and on how many of them members poll. */
  count(): { readonly open: number; readonly members: number } {
    let members = 0;
    for (const { member } of this.#open.values()) if (member) members++;
    return { open: this.#open.size, members };
  }

  get sockets(): Iterable<Socket> {
    return this.#open.keys();
  }

  /** The bytes of responses in memory that no client has read yet. */
  get unread(): number {
    let bytes = 0;
    for (const socket of this.#open.keys()) bytes += socket.writableLength;
    return bytes;
  }

  #makeRoom(): boolean {
    const { connections: most, connectionsBecause: because } = this.#limits;
    const stranger = this.#firstStranger(this.#idle) ?? this.#firstStranger(this.#busy);
    if (!stranger) {
      const sentence = `as many connections are open as ${because}, and each carries a member; new ones are refused`;
      this.#logThrottle.warn({ connections: most }, sentence);
      this.#traffic.refused('connections');
      return false;
    }
    const sentence = `as many connections are open as ${because}; of those that carry no member the oldest are cut for new ones`;
    this.#logThrottle.warn({ connections: most }, sentence);
    // At once: its file and place are not free until the end is reported.
    this.#forget(stranger);
    this.cut(stranger.socket, 'connections');
    return true;
  }

  /**
   * The first stranger. Kept connections are removed from the row on the way, each once per stay, so a step
   * takes amortised constant time. If their member leaves the list, they return with their next request, or
   * are closed as idle.
   */
  #firstStranger(row: LinkedList<Connection>): Connection | undefined {
    for (let first = row.first; first; first = row.first) {
      const connection = first.value;
      // A trusted proxy chooses whose requests it sends.
      const claimed = this.isProxy(connection.socket) ? KEPT : this.#carriers.claim(connection);
      if (!claimed.isKept) return connection;
      this.#leaveRow(connection);
      const { displaced } = claimed;
      // It is worth less than the one that took its place, so it cannot take it back.
      if (displaced) displaced.place ??= this.#rowOf(displaced).add(displaced);
    }
    return undefined;
  }

  #forget(connection: Connection): void {
    this.#open.delete(connection.socket);
    this.#carriers.release(connection);
    this.#leaveRow(connection);
  }

  #leaveRow(connection: Connection): void {
    if (connection.place) this.#rowOf(connection).remove(connection.place);
    connection.place = undefined;
  }

  #rowOf({ isBusy }: Connection): LinkedList<Connection> {
    return isBusy ? this.#busy : this.#idle;
  }
}

const KEPT: Claimed = { isKept: true };

/**
 * Records in place, since this happens at every poll, that a list goes out on a connection. True if this
 * shows for the first time that several addresses share it.
 */
export function noteSent(caller: PeerState, cluster: Cluster, address: Address | undefined): boolean {
  const at = performance.now();
  const { sent } = caller;
  if (!sent) {
    caller.sent = { cluster, at, address };
    return false;
  }
  const isOther = sent.address !== address && sent.address !== undefined && address !== undefined;
  const isNews = isOther && caller.isShared !== true;
  if (isOther) caller.isShared = true;
  sent.cluster = cluster;
  sent.at = at;
  sent.address = address;
  return isNews;
}

/**
 * The record of the list last sent on the connection to this address; undefined if it may have been for
 * another, or the address may have asked elsewhere.
 */
export function sentTo({ sent, isShared }: PeerState, address: Address | undefined): PeerState['sent'] {
  return isShared === true || sent?.address !== address ? undefined : sent;
}
