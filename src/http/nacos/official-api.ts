import type { Request, Response } from 'express';
import { readAddress, type Address } from '../../registry/address.js';
import { keyOf, type ClusterKey } from '../../registry/cluster.js';
import { unexpandedIn } from '../../registry/unexpanded.js';
import { StoreUnavailable } from '../../registry/interfaces.js';
import { MAX_ADDRESSES } from '../../registry/rules.js';
import type { RegistryService } from '../../runtime/registry-service.js';
import type { AccessControl } from '../access/access-control.js';
import { madeOf } from './routes.js';
import { refuse, refuseMethod, send } from '../reply.js';
import { storeProblem } from '../store-problem.js';
import { parseName } from './list-request.js';

/** The official address server's path (module `address`, 2.5.1 AddressServerClusterController). */
export const OFFICIAL_PATH = '/nacos/v1/as/nodes';

const ALLOW = 'POST, DELETE';

/**
 * The official API: puts and deletes static members with the official parameters, texts and statuses. Unlike
 * the official server it also takes ports, host names and IPv6.
 */
export function officialApi(service: RegistryService, access: AccessControl) {
  return async (request: Request, response: Response): Promise<void> => {
    const { method } = request;
    if (method !== 'POST' && method !== 'DELETE') {
      return refuseMethod(request, response, ALLOW);
    }
    const parameters = read(request);
    if (typeof parameters === 'string') return send(response, 400, parameters);
    const { key, ips } = parameters;
    const { product, name } = key;
    const entries = ips.split(',');
    const refused = access.refuseChange(request, key, Math.min(entries.length, MAX_ADDRESSES));
    if (refused) return refuse(request, response, refused);
    if (method === 'DELETE' && !service.knowsProduct(product)) {
      return send(response, 404, `product=${product} not found.`);
    }
    if (ips.trim() === '') return send(response, 400, 'ips must not be empty.');
    if (entries.length > MAX_ADDRESSES) {
      const sentence = `ips names ${entries.length} addresses, and a cluster takes ${MAX_ADDRESSES}; give fewer at a time.`;
      return send(response, 400, sentence);
    }
    const addresses = readAddresses(entries);
    if (typeof addresses === 'string') return send(response, 400, addresses);
    if (method === 'POST') {
      const members = service.find(keyOf(key))?.cluster.members;
      const strange = access.refuseListing(
        request,
        addresses.filter((address) => !members?.has(address)),
      );
      if (strange) return refuse(request, response, strange);
      // An operator's request with many addresses counts once, for its cluster.
      const many = access.refuseMany(request, key, [], madeOf(service));
      if (many) return refuse(request, response, many);
    }
    try {
      const command = { type: method === 'POST' ? ('put' as const) : ('delete' as const), addresses };
      const { reply } = await service.command(key, command);
      if (reply.type === 'refused') return send(response, 400, reply.reason);
      const text =
        method === 'POST'
          ? `product=${product},cluster=${name}; put success with size=${addresses.length}`
          : `product=${product}, cluster=${name} delete success.`;
      send(response, 200, text);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      refuse(request, response, storeProblem(error, 'nothing was changed'));
    }
  };
}

interface Parameters {
  readonly key: ClusterKey;
  readonly ips: string;
}

/** Reads parameters from the query or a form, as the official server does. A string is the problem. */
function read(request: Request): Parameters | string {
  const form = (request.body ?? {}) as Record<string, unknown>;
  const values: Record<string, string> = {};
  for (const name of ['product', 'cluster', 'ips']) {
    const value: unknown = request.query[name] ?? form[name] ?? '';
    if (typeof value !== 'string') return `${name} is given twice; give it once`;
    values[name] = value;
  }
  const product = parseName('product', values.product?.trim() || 'nacos');
  if (!product.ok) return product.problem;
  const name = parseName('cluster', values.cluster?.trim() || 'serverlist');
  if (!name.ok) return name.problem;
  return { key: { product: product.value, name: name.value }, ips: values.ips ?? '' };
}

/**
 * Reads addresses. The official text names every bad entry at once. A single word without a port is bad, as
 * in the official server (`ips=a,b`): it is more likely a mistake than a host name. `a:8848` is accepted.
 */
function readAddresses(entries: readonly string[]): Address[] | string {
  const addresses: Address[] = [];
  const bad: string[] = [];
  let why = '';
  for (const entry of entries.map((one) => one.trim())) {
    const address = readAddress(entry);
    if (address.ok && /[.:]/.test(entry)) addresses.push(address.value);
    else bad.push(entry);
    // Add what the official text does not explain: the entry is not a mistyped address but a missing or
    // unexpanded value.
    const isTold = /^:\d*$/.test(entry) || unexpandedIn(entry) !== undefined || 'either' in address;
    if (!address.ok && isTold) why ||= `; ${entry} ${address.problem}`;
  }
  return bad.length > 0 ? `illegal ip: ${bad.join(',')}${why}` : addresses;
}
