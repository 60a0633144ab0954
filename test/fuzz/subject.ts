import { pino } from 'pino';
import { parseTokens } from '../../src/http/access/token.js';
import { isKnown, type Cluster, type Lease } from '../../src/registry/cluster.js';
import { pollPath } from '../support/nodes.js';
import { ask } from '../support/raw.js';
import { startServer } from '../support/server.js';
import { eventually } from '../support/eventually.js';
import { HIDDEN, MEMBERS, RIGHT_TOKEN } from './values.js';

/*
 * The server under fire, in a process of its own: real sockets, a real SQLite file, and a clock that stands. Its parent
 * (harness.ts) asks by messages for what it keeps.
 */

export interface Setup {
  /** Who needs a token: nobody, whoever changes, or whoever reads too. */
  readonly guard: 'nothing' | 'changes' | 'reads';
  readonly logFile: string;
}

/** How long after its caller hung up a connection may still be open: what was sent by halves takes 10 s. */
const GONE = 13_000;

export type Ask = 'state' | 'beat' | 'heap';

const { guard, logFile } = JSON.parse(process.argv[2] ?? '') as Setup;
const token = { tokens: parseTokens(RIGHT_TOKEN), file: undefined };
const ends: (() => unknown)[] = [];
const server = await startServer(
  { after: (end) => void ends.push(end as () => unknown) },
  {
    log: pino({ level: 'info' }, pino.destination({ dest: logFile, sync: true })),
    rules: { pollHold: 5 },
    limits: { remembered: 256 << 10 },
    access: {
      ...(guard === 'nothing' ? {} : { changeTokens: token }),
      ...(guard === 'reads' ? { readTokens: token } : {}),
      trustedProxies: ['127.0.0.2/32'],
    },
  },
);

await inhabit();
const answers: Record<Ask, () => Promise<unknown>> = { state, beat: () => new Promise(setImmediate), heap };
process.on('message', ({ id, what }: { id: number; what: Ask }) => {
  answers[what]().then(
    (value) => process.send?.({ id, value }),
    (error: unknown) => process.send?.({ id, problem: String(error) }),
  );
});
process.once('disconnect', () => {
  void (async () => {
    for (const end of ends.reverse()) await end();
  })();
});
process.send?.({ port: server.port });

/** A list with a static member, somebody who waits, and a cluster that nobody knows of. */
async function inhabit(): Promise<void> {
  const { product, name, address } = HIDDEN;
  for (const path of [
    ...MEMBERS.map((member) => `${pollPath(member)}&expect=${MEMBERS.length}&token=${RIGHT_TOKEN}`),
    `/other/serverlist?self=127.0.0.41:8848&expect=3&token=${RIGHT_TOKEN}`,
    `/${product}/${name}?self=${address}&token=${RIGHT_TOKEN}`,
  ]) {
    const { status, body } = await ask(server, 'POST', path);
    if (status !== 200 && status !== 202) throw new Error(`${path}: ${status} ${body}`);
  }
}

/** All that requests may change, when everybody has hung up and nothing is being decided any more. */
async function state(): Promise<unknown> {
  await eventually('all connections are closed', () => server.server.load.connections === 0, GONE, 1);
  // What a poll says anew is decided after its answer, in the store's turn; what it makes of the others, with a tick.
  let last = await look();
  for (let same = 0; same < 3;) {
    const next = await look();
    same = next === last ? same + 1 : 0;
    last = next;
  }
  return last;
}

async function look(): Promise<string> {
  await server.service.tick();
  const clusters = [...server.service.entries].map(({ cluster }) => cluster).filter(isKnown);
  // That one was refused may be told.
  const all = await server.service.events({ limit: 1_000 });
  const events = all.filter(({ type }) => type !== 'refused');
  const seen = { clusters: clusters.map(view), lastEvent: events[0]?.seq, events: events.length };
  return JSON.stringify(seen, undefined, 1);
}

function view({ members, waiting, tombstones, ...cluster }: Cluster): unknown {
  return {
    ...cluster,
    members: [...members.values()].map(withFacts),
    waiting: [...waiting.values()].map(withFacts),
    tombstones: [...tombstones].map(([address, left]) => ({ address, ...withFacts(left) })),
  };
}

/** What was heard of it, without this server's own notes. */
function withFacts({ lease, ...other }: { readonly lease: Lease }): object {
  const { heardAt, openAt, endedAt, refusedAt, delivered, deliveredAt, polls } = lease;
  return { ...other, lease: { heardAt, openAt, endedAt, refusedAt, delivered, deliveredAt, polls } };
}

/** Bytes in use after everything unused was given up. */
async function heap(): Promise<number> {
  await eventually('all connections are closed', () => server.server.load.connections === 0, GONE, 1);
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
