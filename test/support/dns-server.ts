import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { TestContext } from 'node:test';

/** What a name server says of a name: IPv4 addresses, or how it fails. */
export type DnsAnswer = readonly string[] | 'nothing' | 'servfail' | 'nxdomain';

const CODES = { servfail: 2, nxdomain: 3 };
const A = 1;

/** A name server on a free UDP port of 127.0.0.1; it says NXDOMAIN to names that it was not told of. */
export class DnsServer {
  readonly answers = new Map<string, DnsAnswer>();
  /** `name type`, as it was asked. */
  readonly asked: string[] = [];
  /** As c-ares wants it. */
  address = '';

  static async start(t: Pick<TestContext, 'after'>): Promise<DnsServer> {
    const server = new DnsServer();
    const socket = createSocket('udp4');
    socket.on('message', (query, { address, port }) => {
      const answer = server.#answer(query);
      if (answer) socket.send(answer, port, address);
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    t.after(() => socket.close());
    server.address = `127.0.0.1:${socket.address().port}`;
    return server;
  }

  /** RFC 1035, 4.1: the question comes back with its answers. */
  #answer(query: Buffer): Buffer | undefined {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at]!; length > 0; length = query[at]!) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const type = query.readUInt16BE(at + 1);
    const question = query.subarray(12, at + 5);
    const name = labels.join('.').toLowerCase();
    this.asked.push(`${name} ${type}`);
    const answer = this.answers.get(name) ?? 'nxdomain';
    if (answer === 'nothing') return undefined;
    const addresses = typeof answer === 'string' || type !== A ? [] : answer;
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8180 | (typeof answer === 'string' ? CODES[answer] : 0), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(addresses.length, 6);
    const records = addresses.map((address) =>
      Buffer.from([0xc0, 12, 0, A, 0, 1, 0, 0, 0, 5, 0, 4, ...address.split('.').map(Number)]),
    );
    return Buffer.concat([header, question, ...records]);
  }
}
