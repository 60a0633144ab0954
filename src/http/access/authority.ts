import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { splitAddress, type Address } from '../../registry/address.js';
import { isLoopback } from '../../registry/newcomer.js';
import type { Names } from '../../probe/names.js';
import type { ServedCluster } from '../../runtime/served-cluster.js';
import type { ClientAddresses } from './client-address.js';
import { isOwnAddress, type Homes } from './homes.js';
import type { AccessDenial } from './denial.js';

/** How to open changes to others, as the end of a sentence. */
const HOW =
  'set AUTH_TOKEN on the server and send it, or AUTH_MODE=open there to let every caller that reaches it make changes';

/** Headers in which a proxy names its callers. A request with one comes through a proxy, or claims to. */
const FORWARDED =
  /^(?:forwarded|via|x-forwarded(?:-.*)?|x-real-ip|x-client-ip|x-cluster-client-ip|x-original-(?:for|host)|true-client-ip|cf-connecting-ip)$/;

/**
 * Decides what callers may do while the server has no token. Then the source of a request is the only
 * evidence. A report about a member is believed from the member's own address or its home; an operator's
 * request from the server's own machine.
 */
export class Authority {
  readonly #clients: ClientAddresses;
  readonly #homes: Homes;
  readonly #names: Pick<Names, 'lookup'> | undefined;

  /** Without `names` no host name counts as a caller's own address. */
  constructor(clients: ClientAddresses, homes: Homes, names?: Pick<Names, 'lookup'>) {
    this.#clients = clients;
    this.#homes = homes;
    this.#names = names;
  }

  /**
   * Whether a request comes from this machine, and not through an untrusted proxy on it, which would make all
   * of its callers look the same. By default nginx does not name its callers but speaks HTTP/1.0, which
   * programs no longer do.
   */
  isHere(request: IncomingMessage): boolean {
    const { socket } = request;
    const client = this.#clients.of(request);
    if (client === undefined || !isLoopback(client)) return false;
    // A proxy on another machine has a loopback address of its own.
    if (this.#clients.isProxy(socket)) return isLoopback(socket.remoteAddress ?? '');
    if (request.httpVersionMajor === 1 && request.httpVersionMinor === 0) return false;
    return !Object.keys(request.headers).some((name) => FORWARDED.test(name));
  }

  /** Why an operator's request does not count without a token. */
  operatorDenial(request: IncomingMessage): AccessDenial | undefined {
    if (this.isHere(request)) return undefined;
    return denial(
      `without a token only the server's own machine may do that, and this comes from ${this.#nameOf(request)}; ${HOW}; nothing was changed`,
    );
  }

  /**
   * Why a report about a member, or its leave, does not count without a token. `what` names it, as in "take
   * it off".
   */
  async wordDenial(
    request: IncomingMessage,
    entry: ServedCluster | undefined,
    address: Address,
    what: string,
  ): Promise<AccessDenial | undefined> {
    if (entry && this.#homes.isHome(entry, address, this.#clients.of(request))) return undefined;
    if (await this.isAt(request, address, entry !== undefined && isKnownTo(entry, address))) return undefined;
    return denial(
      `without a token ${address} itself, from its own address or the one from which this server hears it, or the server's own machine may ${what}, and this comes from ${this.#nameOf(request)}; ${HOW}; nothing was changed`,
    );
  }

  /**
   * Whether a request comes from an address's own host, or from this machine. `mayAsk`: whether to look names
   * up.
   */
  async isAt(request: IncomingMessage, address: Address, mayAsk = true): Promise<boolean> {
    const client = this.#clients.of(request);
    if (client === undefined) return false;
    if (isOwnAddress(address, client) || this.isHere(request)) return true;
    const { host, port } = splitAddress(address);
    if (isIP(host) !== 0 || !this.#names || !mayAsk) return false;
    const named = await this.#names.lookup(host);
    if ('problem' in named) return false;
    return named.addresses.some((one) =>
      isOwnAddress(`${isIP(one) === 6 ? `[${one}]` : one}:${port}`, client),
    );
  }

  #nameOf(request: IncomingMessage): string {
    const client = this.#clients.of(request);
    if (client === undefined) return 'an address that its proxy does not name';
    return isLoopback(client) ? `a proxy on it that TRUSTED_PROXIES does not name` : client;
  }
}

function denial(sentence: string): AccessDenial {
  return { because: 'source', status: 403, sentence, passes: false };
}

function isKnownTo({ cluster: { members, waiting, tombstones } }: ServedCluster, address: Address): boolean {
  return members.has(address) || waiting.has(address) || tombstones.has(address);
}
