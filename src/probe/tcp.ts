import { connect } from 'node:net';
import { splitAddress, type Address } from '../registry/address.js';
import type { ProbeAnswer } from '../registry/cluster.js';
import type { Probe, Unknown } from '../registry/interfaces.js';
import { Names } from './names.js';

/** How long a port may take to accept a connection. */
const CONNECT_TIMEOUT_MS = 2_000;

/**
 * Most open sockets, including those of controls and of names with several addresses (file-limit.ts relies on
 * it).
 */
const MOST = 200;

/**
 * How far this process may overrun the time limit. A larger delay was its own, so it cannot have seen an
 * answer.
 */
const OVERDUE_BY_MS = 500;

/**
 * Connects to a member's main port and closes the connection without sending a byte: every Nacos version
 * serves that port, and no rights are needed. *refused*: the host answered, and nothing listens.
 * *unreachable*: a packet was sent and nothing came back, or the network reported that the host is gone.
 * Anything that fails earlier, on this machine, is neither: a name without an address, no route, no file
 * descriptor, no memory, no permission, no time.
 */
export class TcpProbe implements Probe {
  readonly #names: Names;
  #sockets = 0;

  constructor(names = new Names()) {
    this.#names = names;
  }

  async probe(address: Address): Promise<ProbeAnswer | Unknown> {
    const { host, port } = splitAddress(address);
    const named = await this.#names.lookup(host);
    if ('problem' in named) return { unknown: `${host} cannot be reached by its name: ${named.problem}` };
    const { addresses } = named;
    if (this.#sockets + addresses.length > MOST) return { unknown: `${MOST} other probes are under way` };
    this.#sockets += addresses.length;
    try {
      return together(await Promise.all(addresses.map((one) => probeOne(one, port))));
    } finally {
      this.#sockets -= addresses.length;
    }
  }
}

/** Combines the answers of a name's addresses: the member is there if one address is. */
function together(answers: readonly (ProbeAnswer | Unknown)[]): ProbeAnswer | Unknown {
  if (answers.includes('open')) return 'open';
  const unknown = answers.find((answer) => typeof answer === 'object');
  if (unknown) return unknown;
  return answers.every((answer) => answer === 'refused') ? 'refused' : 'unreachable';
}

function probeOne(host: string, port: number): Promise<ProbeAnswer | Unknown> {
  return new Promise((resolve) => {
    const askedAt = performance.now();
    const socket = connect({ host, port });
    const end = (answer: ProbeAnswer | Unknown): void => {
      clearTimeout(timer);
      socket.destroy();
      // An open port is certain. Of any other answer a process that was paused meanwhile knows nothing.
      const took = performance.now() - askedAt;
      const isLate = answer !== 'open' && took > CONNECT_TIMEOUT_MS + OVERDUE_BY_MS;
      resolve(isLate ? { unknown: `this process was too busy to look for ${Math.round(took)} ms` } : answer);
    };
    // Timers run before sockets are read, so read first what arrived while this process was busy.
    const timer = setTimeout(() => setImmediate(() => end('unreachable')), CONNECT_TIMEOUT_MS);
    let isSent = false;
    // connect() reports its own failures before the queue of ticks is empty; microtasks run after that.
    process.nextTick(() => queueMicrotask(() => (isSent = true)));
    socket.once('connect', () => end('open'));
    socket.once('error', (error: NodeJS.ErrnoException) => end(answerOf(error, isSent)));
  });
}

/** The network's codes for an undeliverable packet; this machine's own if nothing was sent. */
const UNDELIVERED: ReadonlySet<string> = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN']);

function answerOf({ code = '', message }: NodeJS.ErrnoException, isSent: boolean): ProbeAnswer | Unknown {
  if (code === 'ECONNREFUSED') return 'refused';
  if (code === 'ETIMEDOUT' || (isSent && UNDELIVERED.has(code))) return 'unreachable';
  return { unknown: `this server could not try: ${message}` };
}
