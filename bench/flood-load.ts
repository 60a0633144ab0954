import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { range } from './members.js';
import type { FloodMeasured, FloodOptions } from './flood.js';

/*
 * A process of its own: strangers who open connections and leave them idle, and others who send changes without a valid
 * token as fast as they are answered, from several addresses, until this process is told to stop (SIGTERM).
 */

/** Connections opened at once while the idle build up. */
const GROUP = 100;

const options = JSON.parse(process.argv[2] ?? '') as FloodOptions;
const answers: Record<string, number> = {};
const sockets = new Set<Socket>();
let cut = 0;
let stopping = false;

const HEAD = `Host: 127.0.0.1:${options.port}\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n`;

/** Changes of every kind, none with a valid token. */
const WRITES = [
  `POST /nacos/c000?self=127.200.0.1:8848 HTTP/1.1\r\n${HEAD}\r\n`,
  `POST /nacos/c000?self=127.1.0.1:8848&token=guessed-0123456789 HTTP/1.1\r\n${HEAD}\r\n`,
  `DELETE /nacos/c000?self=127.1.0.1:8848 HTTP/1.1\r\n${HEAD}\r\n`,
  `POST /nacos/v1/as/nodes?cluster=c000&ips=127.200.0.1 HTTP/1.1\r\n${HEAD}Content-Length: 0\r\n\r\n`,
  `DELETE /api/v1/clusters/nacos/c000/members/127.1.0.1:8848 HTTP/1.1\r\n${HEAD}Authorization: Bearer guessed-0123456789\r\n\r\n`,
];

async function open(from: string): Promise<Socket> {
  const socket = connect({ port: options.port, host: '127.0.0.1', localAddress: from, noDelay: true });
  socket.setEncoding('latin1');
  sockets.add(socket);
  socket.on('error', () => undefined);
  socket.once('close', () => {
    sockets.delete(socket);
    if (!stopping) cut++;
  });
  await once(socket, 'connect');
  return socket;
}

/** Says one thing, as whoever says nothing at all is closed, and then no more. */
async function idle(): Promise<void> {
  const socket = await open('127.0.0.1');
  socket.write(`GET /nacos/c000 HTTP/1.1\r\n${HEAD}\r\n`);
  await once(socket, 'data');
}

async function write(n: number): Promise<void> {
  const socket = await open(`127.0.2.${1 + (n % options.addresses)}`);
  let turn = n;
  let text = '';
  const next = (): boolean => socket.write(WRITES[turn++ % WRITES.length] ?? '', 'latin1');
  socket.on('data', (chunk: string) => {
    text += chunk;
    const end = text.indexOf('\r\n\r\n');
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? NaN);
    if (end < 0 || text.length < end + 4 + length) return;
    const status = text.slice(9, 12);
    answers[status] = (answers[status] ?? 0) + 1;
    text = '';
    if (!stopping) next();
  });
  next();
}

for (let opened = 0; opened < options.idle; opened += GROUP) {
  await Promise.all(range(Math.min(GROUP, options.idle - opened)).map(idle));
}
await Promise.all(range(options.writers).map(write));
process.stdout.write('FLOODING\n');
const since = performance.now();
process.once('SIGTERM', () => {
  stopping = true;
  const seconds = (performance.now() - since) / 1_000;
  const measured: FloodMeasured = { answers, seconds, open: sockets.size, cut };
  process.stdout.write(`RESULT ${JSON.stringify(measured)}\n`, () => process.exit(0));
});
