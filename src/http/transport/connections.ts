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

/** What is known of a caller from the connection that it uses. */
export interface PeerState {
  /**
   * When the connection was opened, on the service's monotonic clock: the lease clock may be set back to that of other
   * servers.
   */
  readonly openedAt: number;
  /** Where its requests come from; undefined when a trusted proxy does not say. */
  readonly client: string | undefined;
  /** The member's address that was last found to be the client's own (VERIFY_SOURCE=on). */
  ownAddress?: Address;
  /** The member whose polls it carries. */
  member?: { readonly entry: ServedCluster; readonly address: Address };
  /** The list that was last sent on it, when (performance.now()), and to whom. */
  sent?: { cluster: Cluster; at: number; address: Address | undefined };
  /** Whether lists were sent on it to several addresses: a proxy is in between, and each of them may be sent another elsewhere. */
  isShared?: boolean;
}

/** One TCP connection. */
export interface Connection extends PeerState {
  readonly socket: Socket;
  /** Whether a request on it is under way behind the front door. */
  isBusy: boolean;
  /** The member for which it is kept (member-connections.ts). */
  carries?: Connection['member'] | undefined;
  /** Among the idle or the busy that may be cut; none while it is known to be kept. */
  place?: ListNode<Connection> | undefined;
}

/**
 * All connections. Watches those that members poll on: one that ends is a sign of death (R10). And bounds how many there
 * are: strangers are cut before a member is refused.
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
   * Takes a new connection, in constant time. Undefined when it must be refused: there are as many as may be, and each
   * is kept for a member. Otherwise the stranger that has been idle longest is cut to make room, or, when none is idle, the
   * one that has been busy longest.
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
    // One that ended while its request was decided on says so no more.
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
   * Who sends a request. What a trusted proxy sends may be of a different client each time: each request then counts as
   * one on a connection of its own, which nobody watches, since its end says nothing of a member.
   */
  callerOf(request: IncomingMessage): PeerState {
    const { socket } = request;
    if (!this.isProxy(socket)) return this.of(socket);
    return { openedAt: this.#service.monotonic, client: this.#clients.of(request) };
  }

  /** Whether requests on the connection may be of different clients. */
  isProxy(socket: Socket): boolean {
    return this.#clients.isProxy(socket);
  }

  /** A request begins or ends on it, behind the front door; what the front door answers takes no time. */
  setBusy(connection: Connection, isBusy: boolean): void {
    if (connection.isBusy === isBusy || !this.#open.has(connection.socket)) return;
    this.#leaveRow(connection);
    connection.isBusy = isBusy;
    connection.place = this.#rowOf(connection).add(connection);
  }

  /** Cuts off those who leave most unread while all together leave more than they may. */
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

  /** Ends a connection that takes more than it may. */
  cut(socket: Socket, reason: RefusalReason): void {
    if (socket.destroyed) return;
    this.#traffic.refused(reason);
    socket.destroy();
  }

  /** Ends a connection on which nothing has moved for long: somebody who does not read, or one that is idle. */
  cutStill(socket: Socket): void {
    if (this.#open.get(socket)?.isBusy) this.cut(socket, 'slow');
    else socket.destroy();
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

  /** Bytes of answers that are in memory because nobody takes them. */
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
    // At once: neither its file nor its place may be taken until the end is reported.
    this.#forget(stranger);
    this.cut(stranger.socket, 'connections');
    return true;
  }

  /**
   * Those that are kept leave the row on the way, each once for its time in it, so a step is constant on the whole.
   * One that is taken off its list later comes back with its next request, or is closed as idle.
   */
  #firstStranger(row: LinkedList<Connection>): Connection | undefined {
    for (let first = row.first; first; first = row.first) {
      const connection = first.value;
      // A trusted proxy sends whose requests it likes.
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
 * A list goes out on a connection. In place: this happens at every poll. True when it is found only now that several
 * addresses share the connection.
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

/** What was sent last on the connection to who asks now; undefined when that may be another, or may have asked elsewhere. */
export function sentTo({ sent, isShared }: PeerState, address: Address | undefined): PeerState['sent'] {
  return isShared === true || sent?.address !== address ? undefined : sent;
}
