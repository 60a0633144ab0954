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
  /** The members of a `view=live`, in place of all. */
  readonly live?: readonly Address[];
}

/**
 * The hot path: the list for a listed caller, or for one who asks without `self`. It touches memory only.
 * Whoever is neither, and every cluster without a list, is the slow path's.
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

  /** A list goes out to a caller that polls for it; `address` undefined: it does not say who it is. */
  noteSent(caller: PeerState, cluster: Cluster, address: Address | undefined): void {
    if (!this.#service.isShared || !noteSent(caller, cluster, address)) return;
    this.#logThrottle.warn(
      { client: caller.client },
      'several nodes poll on one connection: a proxy passes HTTP on. Balance connections (layer 4) in front of several servers, or name the proxy in TRUSTED_PROXIES',
    );
  }

  /**
   * Undefined when it takes a decision, or is refused. A caller that is a member is renewed by it, unless it may not
   * speak for that member: it gets the list (R2), and nothing is noted of it but that.
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
   * The same for a heartbeat of a listed member. A script or sidecar sends it, so its connection's end says
   * nothing about the member.
   */
  beat(target: ListRequest, caller: PeerState): LocatedCluster | undefined {
    const entry = this.#service.find(target.name);
    const address = addressOfSelf(target, caller);
    if (!entry || address === undefined || target.unhealthy !== undefined) return undefined;
    const denial = this.#access.denialOf(target, address, caller);
    if (denial && !denial.passes) return undefined;
    if (!this.#renew(entry, address, 'heartbeat', target, caller)) return undefined;
    // Not delivered: a script has it now, its Nacos has what it polls itself, or what the next heartbeat says (`revision`).
    // Its beats follow each other at once, on whichever connection: what was sent on this one tells nothing.
    const cluster = this.#service.listFor(entry, address);
    // An agent that has it wants to be held until there is another.
    if (!cluster || (target.wait > 0 && target.revision === cluster.revision)) return undefined;
    if (denial) this.#noted(entry, address, denial, caller);
    return { cluster };
  }

  /** A listed caller is answered in spite of an objection, which is shown with the member. */
  #noted(entry: ServedCluster, address: Address | undefined, denial: AccessDenial, caller: PeerState): void {
    this.#access.noted(denial);
    if (address !== undefined) this.#trace.answered(entry, address, denial, caller.client);
  }

  /** A listed or waiting address is heard, from an address or one that a proxy does not say; whether what the caller says of it besides counts. */
  hear(entry: ServedCluster, address: Address, client: string | undefined): boolean {
    const { homes } = this.#access;
    const isAtHome = homes.heard(entry, address, client, this.#service.now);
    const home = isAtHome ? undefined : homes.otherHome(entry, address, client);
    if (home !== undefined) this.#trace.sameSelf(entry, address, client, home);
    return this.#access.counts(isAtHome);
  }

  /** False when the address is not listed, or its poll takes a decision. */
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

  /** The whole HTTP answer. */
  whole({ cluster, live }: LocatedCluster, format: ListFormat): Buffer {
    return live ? whole(cluster, live, format) : this.#answers.get(cluster, format);
  }
}

/** What a request says of the member that it speaks for; only that it lives when the rest does not count. */
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
 * Undefined without `self`, for `self=auto` when it is not known where the request comes from, and for what may be one of two
 * addresses and comes from neither.
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
