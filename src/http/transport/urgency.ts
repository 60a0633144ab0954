import type { IncomingMessage } from 'node:http';
import type { RegistryService } from '../../runtime/registry-service.js';
import type { Homes } from '../access/homes.js';
import type { Connections } from './connections.js';
import { addressOfSelf } from '../nacos/list-reader.js';
import { targetOf } from '../nacos/read-list-request.js';
import { isListPath } from '../nacos/list-request.js';

/** Who was heard less than this ago, can wait: a Nacos polls every 5 s. */
const DUE_AFTER_MS = 1_000;

/**
 * Which requests come before all others: a listed member's poll or heartbeat, from where that member is heard, when it is
 * due. Its connection came behind the front door with a poll that was held, as each initial member's does, and there it must not
 * wait for whatever others ask. What a member may put first costs little, and comes once a second at most.
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
