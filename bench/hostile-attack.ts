import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { AttackOptions } from './hostile.js';
import { range } from './members.js';

/*
 * A process of its own: all that hostile or broken callers have been seen to do, at once, until it is told to stop
 * (SIGTERM). Prints how often each was answered, and with what.
 */

const { port } = JSON.parse(process.argv[2] ?? '') as AttackOptions;
const answers: Record<string, Record<string, number>> = {};
let stopping = false;

const HEAD = `Host: 127.0.0.1:${port}\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n`;

function count(kind: string, what: string): void {
  const kinds = (answers[kind] ??= {});
  kinds[what] = (kinds[what] ?? 0) + 1;
}

function open(from: string): Socket {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from, noDelay: true });
  socket.on('error', () => undefined);
  return socket;
}

/** Asks again and again on one connection, or on a new one each time, and waits for each answer's first bytes. */
async function loop(kind: string, from: string, keeps: boolean, request: () => string): Promise<void> {
  let socket: Socket | undefined;
  while (!stopping) {
    if (!socket || socket.destroyed || !keeps) {
      socket?.destroy();
      socket = open(from);
      await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => undefined);
    }
    const current = socket;
    const answer = new Promise<string>((resolve) => {
      const end = (text: string): void => {
        current.off('close', onClose);
        resolve(text);
      };
      const onClose = (): void => end('closed');
      current.once('data', (chunk: Buffer) => end(chunk.toString('latin1').slice(9, 12)));
      current.once('close', onClose);
    });
    current.write(request(), 'latin1');
    count(kind, await answer);
  }
  socket?.destroy();
}

/** Asks for much, and reads nothing. */
async function readNothing(from: string, requests: string): Promise<void> {
  while (!stopping) {
    const socket = open(from);
    socket.pause();
    socket.write(requests, 'latin1');
    await Promise.race([once(socket, 'close'), new Promise((resolve) => setTimeout(resolve, 20_000))]);
    count('readers that read nothing', socket.destroyed ? 'cut' : 'held');
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Listed, and answers the doctor with as much as it can. */
async function evilMember(): Promise<void> {
  const groups = Object.fromEntries(range(200_000).map((i) => [`group-${i}`, { term: i }]));
  const server = createServer((_request, response) => {
    count('looks at the evil member', '200');
    response.end(answer);
  }).listen(0, '127.9.4.1');
  await once(server, 'listening');
  const { port: own } = server.address() as AddressInfo;
  const address = `127.9.4.1:${own}`;
  const answer = Buffer.from(
    JSON.stringify({
      data: [{ address, extendInfo: { version: '2.5.1', raftMetaData: { metaDataMap: groups } } }],
    }),
  );
  const ask = (method: string, path: string): string => `${method} ${path} HTTP/1.1\r\n${HEAD}\r\n`;
  for (let i = 0; i < 4; i++) {
    void loop('plans of a repair', '127.9.4.2', true, () => ask('GET', '/api/v1/clusters/nacos/evil/repair'));
  }
  void loop('polls of the evil member', '127.9.4.1', true, () => ask('GET', `/nacos/evil?self=${address}`));
}

const ipv6 = range(999).map((i) => `[2001:db8::${(i + 1).toString(16)}]:8848`);
const refused = `cluster=evil&ips=${encodeURIComponent([...ipv6, '[2001:0db8::1]:8848'].join(','))}`;
const put = `POST /nacos/v1/as/nodes HTTP/1.1\r\n${HEAD}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${refused.length}\r\n\r\n${refused}`;
let name = 0;

for (const i of range(8)) void loop('puts that are refused', `127.9.1.${i + 1}`, true, () => put);
for (const i of range(16)) {
  void loop('strangers', `127.9.2.${i + 1}`, false, () => {
    const n = name++;
    return `POST /nacos/s${n % 5_000}?self=10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}:8848&expect=1 HTTP/1.1\r\n${HEAD}\r\n`;
  });
}
for (const i of range(4)) {
  void loop('names that nobody knows', `127.9.3.${i + 1}`, true, () => {
    const n = name++;
    return `POST /nacos/n${n % 50}?self=n${n}.nowhere.invalid:8848&expect=1 HTTP/1.1\r\n${HEAD}\r\n`;
  });
}
await evilMember();
const scrapes = `GET /metrics HTTP/1.1\r\n${HEAD}\r\n`.repeat(50);
const streams = `GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n`;
const lists = `GET /nacos/c0 HTTP/1.1\r\n${HEAD}\r\n`.repeat(50);
for (const i of range(300)) {
  const requests = [scrapes, streams, lists][i % 3] ?? '';
  void readNothing(`127.9.5.${(i % 200) + 1}`, requests);
}
process.stdout.write('ATTACKING\n');
process.on('SIGTERM', () => {
  stopping = true;
  process.stdout.write(`RESULT ${JSON.stringify(answers)}\n`, () => process.exit(0));
});
