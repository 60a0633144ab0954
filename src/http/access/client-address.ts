import type { IncomingMessage } from 'node:http';
import { isIP, type Socket } from 'node:net';
import proxyAddr from 'proxy-addr';

/**
 * Finds where a request comes from: the connection's other end, or the client that a trusted proxy names
 * (X-Forwarded-For).
 */
export class ClientAddresses {
  readonly #trust: ((address: string, hop: number) => boolean) | undefined;

  constructor(trustedProxies: readonly string[]) {
    this.#trust = trustedProxies.length === 0 ? undefined : proxyAddr.compile([...trustedProxies]);
  }

  /** Whether the connection may carry requests of other clients. */
  isProxy({ remoteAddress }: Socket): boolean {
    return this.#trust !== undefined && remoteAddress !== undefined && this.#trust(remoteAddress, 0);
  }

  /**
   * The last address in X-Forwarded-For that is not a trusted proxy's. Undefined when a proxy names no
   * client: the proxy's own address must not be taken for a member's.
   */
  of(request: IncomingMessage): string | undefined {
    const { socket } = request;
    if (!this.#trust || !this.isProxy(socket)) return socket.remoteAddress;
    const client = proxyAddr(request, this.#trust);
    return isIP(client) !== 0 && client !== socket.remoteAddress ? client : undefined;
  }
}
