import type { IncomingMessage } from 'node:http';
import type { RegistryService } from '../../runtime/registry-service.js';
import type { Homes } from '../access/homes.js';
import type { Connections } from './connections.js';
import { addressOfSelf } from '../nacos/list-reader.js';
import { targetOf } from '../nacos/read-list-request.js';
import { isListPath } from '../nacos/list-request.js';

/** A member heard less than this ago can wait: a Nacos polls every 5 s. */
const DUE_AFTER_MS = 1_000;

/**
 * Decides which requests go before all others: a listed member's poll or heartbeat from where it is heard,
 * when it is due. A held poll, such as each initial member's, brings its connection behind the front door,
 * and there it must not wait for other callers' requests. A member can put only cheap requests first, at most
 * once a second.
 */
export class Urgency {
  readonly #service: RegistryService;
  readonly #homes: Homes;
  readonly #connections: Connections;

  constructor(service: RegistryService, { homes }: { readonly homes: Homes }, connections: Connections) {
    this.#service = service;
    this.#homes = homes;
    this.#connections = connections;
  }

  readonly isUrgent = (request: IncomingMessage): boolean => {
    const { method, url = '' } = request;
    if (method !== 'GET' && method !== 'POST') return false;
    if (!isListPath(url.split('?', 1)[0] ?? '')) return false;
    const target = targetOf(request);
    if (!target.ok || target.value.self === undefined) return false;
    const entry = this.#service.find(target.value.name);
    if (!entry) return false;
    const caller = this.#connections.callerOf(request);
    const address = addressOfSelf(target.value, caller);
    const member = address === undefined ? undefined : entry.cluster.members.get(address);
    if (!member || this.#service.now - member.lease.heardAt < DUE_AFTER_MS) return false;
    return this.#homes.isHome(entry, member.address, caller.client);
  };
}
