import { connect } from 'node:net';
import { splitAddress, type Address } from '../registry/address.js';
import type { ProbeAnswer } from '../registry/cluster.js';
import type { Probe } from '../registry/ports.js';

/** How long a port may take to accept, in milliseconds. */
const CONNECT_TIMEOUT = 2_000;

/**
 * Connects to a member's main port and hangs up at once, without a byte: every Nacos version serves that port,
 * and needs no rights for it. Refused means that the host answers and nobody listens; anything else that is no
 * connection (no route, no answer, an unknown name) says nothing about the process.
 */
export class TcpProbe implements Probe {
  probe(address: Address): Promise<ProbeAnswer | undefined> {
    return new Promise((resolve) => {
      const socket = connect(splitAddress(address));
      const end = (answer: ProbeAnswer | undefined): void => {
        socket.destroy();
        resolve(answer);
      };
      socket.setTimeout(CONNECT_TIMEOUT, () => end('unreachable'));
      socket.once('connect', () => end('open'));
      socket.once('error', (error: NodeJS.ErrnoException) =>
        end(isOurOwn(error) ? undefined : isRefused(error) ? 'refused' : 'unreachable'),
      );
    });
  }
}

/**
 * What this machine lacks: files, memory or ports. It may then hear nobody either, and whoever it takes for silent and
 * unreachable lives (R5).
 */
const OUR_OWN = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']);

function isOurOwn({ code = '' }: NodeJS.ErrnoException): boolean {
  return OUR_OWN.has(code);
}

/** A host name with several addresses fails with all of their errors at once (net, "happy eyeballs"). */
function isRefused(error: NodeJS.ErrnoException): boolean {
  const all = error instanceof AggregateError ? (error.errors as NodeJS.ErrnoException[]) : [error];
  return all.length > 0 && all.every(({ code }) => code === 'ECONNREFUSED');
}
