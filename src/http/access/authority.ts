import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { splitAddress, type Address } from '../../registry/address.js';
import { isLoopback } from '../../registry/newcomer.js';
import type { Names } from '../../probe/names.js';
import type { ServedCluster } from '../../runtime/served-cluster.js';
import type { ClientAddresses } from './client-address.js';
import { isOwnAddress, type Homes } from './homes.js';
import type { AccessDenial } from './denial.js';

/** What opens changes to others, as the end of a sentence. */
const HOW =
  'set AUTH_TOKEN on the server and send it, or AUTH_MODE=open there to let every caller that reaches it make changes';

/** By these a proxy names its callers. Whoever sends one stands before others, or says so. */
const FORWARDED =
  /^(?:forwarded|via|x-forwarded(?:-.*)?|x-real-ip|x-client-ip|x-cluster-client-ip|x-original-(?:for|host)|true-client-ip|cf-connecting-ip)$/;

/**
 * Who may do what while there is no token: whoever has one needs no other right, and without one where a request comes
 * from is all that is known. A member's word is believed from its own address or its home; an operator's from the
 * machine on which the server runs.
 */
export class Authority {
  readonly #clients: ClientAddresses;
  readonly #homes: Homes;
  readonly #names: Pick<Names, 'lookup'> | undefined;

  /** Without `names` a host name is nobody's own address. */
  constructor(clients: ClientAddresses, homes: Homes, names?: Pick<Names, 'lookup'>) {
    this.#clients = clients;
    this.#homes = homes;
    this.#names = names;
  }

  /**
   * Whether a request comes from this machine, and not through a proxy on it that is not trusted: that makes all of its
   * callers one. nginx, unless it is told otherwise, says nothing of its callers but speaks HTTP/1.0, as programs do no more.
   */
  isHere(request: IncomingMessage): boolean {
    const { socket } = request;
    const client = this.#clients.of(request);
    if (client === undefined || !isLoopback(client)) return false;
    // A proxy elsewhere has a loopback of its own.
    if (this.#clients.isProxy(socket)) return isLoopback(socket.remoteAddress ?? '');
    if (request.httpVersionMajor === 1 && request.httpVersionMinor === 0) return false;
    return !Object.keys(request.headers).some((name) => FORWARDED.test(name));
  }

  /** Why an operator's word does not count without a token. */
  operatorDenial(request: IncomingMessage): AccessDenial | undefined {
    if (this.isHere(request)) return undefined;
    return denial(
      `without a token only the server's own machine may do that, and this comes from ${this.#nameOf(request)}; ${HOW}; nothing was changed`,
    );
  }

  /** Why a word about a member, or its leave, does not count without a token: `what` it is, as in "take it off". */
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

  /** Whether a request comes from an address's own host, or from this machine. `mayAsk`: whether a name is looked up. */
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
