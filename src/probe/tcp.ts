import { connect } from 'node:net';
import { splitAddress, type Address } from '../registry/address.js';
import type { ProbeAnswer } from '../registry/cluster.js';
import type { Probe, Unknown } from '../registry/interfaces.js';
import { Names } from './names.js';

/** How long a port may take to accept. */
const CONNECT_TIMEOUT_MS = 2_000;

/** Sockets at once, those of controls and of names with several addresses among them (file-limit.ts counts on it). */
const MOST = 200;

/** How much later than that this process may come to look: later, it had no time of its own to see an answer. */
const OVERDUE_BY_MS = 500;

/**
 * Connects to a member's main port and hangs up at once, without a byte: every Nacos version serves that port,
 * and needs no rights for it. Refused means that the host answers and nobody listens. Unreachable means that a packet was
 * sent, and that nothing came back, or the network's word that nobody is there. Whatever failed before that, here, is
 * neither: a name without an address, no route, no file, no memory, no permission, no time.
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

/** What the answers of all addresses of one name say of it: it is there when one of them is. */
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
      // An open port was open; of what else came of it a process that was stopped meanwhile knows nothing.
      const took = performance.now() - askedAt;
      const isLate = answer !== 'open' && took > CONNECT_TIMEOUT_MS + OVERDUE_BY_MS;
      resolve(isLate ? { unknown: `this process was too busy to look for ${Math.round(took)} ms` } : answer);
    };
    // Timers run before sockets are read: what came while this process was busy is still to be read then.
    const timer = setTimeout(() => setImmediate(() => end('unreachable')), CONNECT_TIMEOUT_MS);
    let isSent = false;
    // What connect() itself refuses is said before the queue of ticks is empty, and microtasks come after that.
    process.nextTick(() => queueMicrotask(() => (isSent = true)));
    socket.once('connect', () => end('open'));
    socket.once('error', (error: NodeJS.ErrnoException) => end(answerOf(error, isSent)));
  });
}

/** What the network says when it cannot deliver; it is this machine's own word when nothing was sent. */
const UNDELIVERED: ReadonlySet<string> = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN']);

function answerOf({ code = '', message }: NodeJS.ErrnoException, isSent: boolean): ProbeAnswer | Unknown {
  if (code === 'ECONNREFUSED') return 'refused';
  if (code === 'ETIMEDOUT' || (isSent && UNDELIVERED.has(code))) return 'unreachable';
  return { unknown: `this server could not try: ${message}` };
}
