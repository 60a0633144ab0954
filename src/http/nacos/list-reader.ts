import { addressOf, canonical, splitAddress, type Address } from '../../registry/address.js';
import type { Cluster } from '../../registry/cluster.js';
import type { ServedCluster } from '../../runtime/served-cluster.js';
import type { PollRequest, RegistryService } from '../../runtime/registry-service.js';
import type { AccessControl } from '../access/access-control.js';
import type { AccessDenial } from '../access/denial.js';
import { noteSent, sentTo, type PeerState } from '../transport/connections.js';
import { liveList, ListAnswers, whole } from './list-response.js';
import type { RefusedTrace } from '../refused-trace.js';
import type { LogThrottle } from '../transport/log-throttle.js';
import type { ListFormat, ListRequest } from './list-request.js';

/** A list that may be sent at once. */
export interface LocatedCluster {
  readonly cluster: Cluster;
  /** The members of a `view=live`, instead of all. */
  readonly live?: readonly Address[];
}

/**
 * The hot path: serves the list to listed callers and to requests without `self`, from memory only. Any other
 * caller, and every cluster without a list, goes to the slow path.
 */
export class ListReader {
  readonly #service: RegistryService;
  readonly #access: AccessControl;
  readonly #logThrottle: LogThrottle;
  readonly #trace: RefusedTrace;
  readonly #answers = new ListAnswers();

  constructor(
    service: RegistryService,
    access: AccessControl,
    logThrottle: LogThrottle,
    trace: RefusedTrace,
  ) {
    this.#service = service;
    this.#access = access;
    this.#logThrottle = logThrottle;
    this.#trace = trace;
  }

  /** Notes that a list is sent to a caller; `address` is undefined if the caller does not name itself. */
  noteSent(caller: PeerState, cluster: Cluster, address: Address | undefined): void {
    if (!this.#service.isShared || !noteSent(caller, cluster, address)) return;
    this.#logThrottle.warn(
      { client: caller.client },
      'several nodes poll on one connection: a proxy passes HTTP on. Balance connections (layer 4) in front of several servers, or name the proxy in TRUSTED_PROXIES',
    );
  }

  /**
   * Serves a poll. Undefined if it takes a decision or is refused. It renews the lease of a caller that is a
   * member. A caller that may not speak for the member gets the list (R2), and only that is noted.
   */
  read(target: ListRequest, caller: PeerState): LocatedCluster | undefined {
    const entry = this.#service.find(target.name);
    if (!entry || entry.cluster.members.size === 0) return undefined;
    const address = addressOfSelf(target, caller);
    if (target.self !== undefined && address === undefined) return undefined;
    const denial = address === undefined ? undefined : this.#access.denialOf(target, address, caller);
    const speaks = address !== undefined && (!denial || denial.passes);
    if (speaks) {
      if (!this.#renew(entry, address, 'poll', target, caller)) return undefined;
      if (caller.member?.address !== address) caller.member = { entry, address };
    } else if (address !== undefined && !entry.cluster.members.has(address)) {
      return undefined;
    }
    if (target.live) {
      const { rules, now } = this.#service;
      if (denial) this.#noted(entry, address, denial, caller);
      return { cluster: entry.cluster, live: liveList(entry.cluster, address, rules, now) };
    }
    const cluster = this.#service.listFor(entry, address, sentTo(caller, address));
    if (!cluster || cluster.members.size === 0) return undefined;
    if (denial) this.#noted(entry, address, denial, caller);
    if (speaks) entry.delivered(address, cluster.revision, this.#service.now);
    this.noteSent(caller, cluster, address);
    return { cluster };
  }

  /**
   * Serves the heartbeat of a listed member. A script or sidecar sends it, so the end of its connection says
   * nothing about the member.
   */
  beat(target: ListRequest, caller: PeerState): LocatedCluster | undefined {
    const entry = this.#service.find(target.name);
    const address = addressOfSelf(target, caller);
    if (!entry || address === undefined || target.unhealthy !== undefined) return undefined;
    const denial = this.#access.denialOf(target, address, caller);
    if (denial && !denial.passes) return undefined;
    if (!this.#renew(entry, address, 'heartbeat', target, caller)) return undefined;
    // Not marked as delivered: a script has the list now, but its Nacos has what it polled itself, or what
    // the next heartbeat reports (`revision`). Heartbeats use any connection, so what was sent on this one
    // proves nothing.
    const cluster = this.#service.listFor(entry, address);
    // An agent that has this list wants to be held until there is another.
    if (!cluster || (target.wait > 0 && target.revision === cluster.revision)) return undefined;
    if (denial) this.#noted(entry, address, denial, caller);
    return { cluster };
  }

  /**
   * Records a denial of a listed caller, which is answered all the same; operators see it with the member.
   */
  #noted(entry: ServedCluster, address: Address | undefined, denial: AccessDenial, caller: PeerState): void {
    this.#access.noted(denial);
    if (address !== undefined) this.#trace.answered(entry, address, denial, caller.client);
  }

  /**
   * Records that a listed or waiting address is heard; `client` is undefined if a proxy does not name it.
   * Returns whether to believe the caller in more than that the member is alive.
   */
  hear(entry: ServedCluster, address: Address, client: string | undefined): boolean {
    const { homes } = this.#access;
    const isAtHome = homes.heard(entry, address, client, this.#service.now);
    const home = isAtHome ? undefined : homes.otherHome(entry, address, client);
    if (home !== undefined) this.#trace.sameSelf(entry, address, client, home);
    return this.#access.counts(isAtHome);
  }

  /** Renews a lease. False if the address is not listed, or its poll takes a decision. */
  #renew(
    entry: ServedCluster,
    address: Address,
    source: 'poll' | 'heartbeat',
    target: ListRequest,
    caller: PeerState,
  ): boolean {
    const member = entry.cluster.members.get(address);
    if (member === undefined) return false;
    const counts = this.hear(entry, address, caller.client);
    return this.#service.renew(entry, member, pollOf(address, source, target, caller, counts));
  }

  /** The complete HTTP response. */
  whole({ cluster, live }: LocatedCluster, format: ListFormat): Buffer {
    return live ? whole(cluster, live, format) : this.#answers.get(cluster, format);
  }
}

/** The parts of a request about its member. If the caller is not believed, only that the member is alive. */
export function pollOf(
  address: Address,
  source: 'poll' | 'heartbeat',
  { id, expect, revision, starting }: ListRequest,
  { openedAt }: PeerState,
  counts = true,
): PollRequest {
  if (!counts) return { address, source, expect, openedAt };
  const said = source === 'heartbeat' ? { revision, starting } : {};
  return { address, source, id, expect, ...said, openedAt };
}

/**
 * The address in `self`. Undefined without `self`, for `self=auto` if the source is unknown, and for a text
 * that may mean two addresses if the request comes from neither.
 */
export function addressOfSelf({ self }: ListRequest, { client }: PeerState): Address | undefined {
  if (self === undefined || self.type === 'address') return self?.address;
  if (client === undefined) return undefined;
  return self.type === 'auto'
    ? addressOf(client, self.port)
    : self.addresses.find((one) => isAt(one, client));
}

function isAt(address: Address, client: string): boolean {
  return canonical(address) === canonical(addressOf(client, splitAddress(address).port));
}
