import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { HostileMembers, MembersOptions } from './hostile.js';
import { NACOS_HEADERS, range } from './members.js';

/*
 * A process of its own: members that poll every 5 s, each on its own connection from its own address, on a schedule that
 * does not wait for answers. SIGUSR2 prints what was measured since the last one.
 */

const options = JSON.parse(process.argv[2] ?? '') as MembersOptions;
const EVERY = 5_000;
const head = Object.entries(NACOS_HEADERS)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('');

interface Measuring {
  readonly latencies: number[];
  /** Milliseconds by which polls were sent after they were planned. */
  readonly late: number[];
  readonly errors: string[];
  readonly dropped: Set<string>;
}
const nothing = (): Measuring => ({ latencies: [], late: [], errors: [], dropped: new Set() });
let measuring = nothing();

class Member {
  readonly #ip: string;
  readonly #request: string;
  #socket: Socket | undefined;
  #answer = '';
  #asked: { readonly planned: number; readonly in: Measuring; readonly heard: () => void } | undefined;

  constructor(cluster: number, member: number) {
    this.#ip = `127.2.${cluster}.${member + 1}`;
    const path = `/nacos/c${cluster}?self=${this.#ip}:8848&expect=${options.size}`;
    this.#request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${options.port}\r\n${head}\r\n`;
  }

  /** Resolves when its list came, or its connection ended. */
  async poll(planned: number): Promise<void> {
    // Its last answer has not come yet: it is late by all that time.
    if (this.#asked) return;
    const mine = measuring;
    if (!this.#socket || this.#socket.destroyed) await this.#open(mine);
    const socket = this.#socket;
    if (!socket) return;
    await new Promise<void>((heard) => {
      this.#asked = { planned, in: mine, heard };
      socket.write(this.#request, 'latin1');
    });
  }

  async #open(mine: Measuring): Promise<void> {
    const socket = connect({ port: options.port, host: '127.0.0.1', localAddress: this.#ip, noDelay: true });
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#read(text));
    socket.on('error', () => undefined);
    socket.on('close', () => this.#end('the server closed its connection'));
    this.#answer = '';
    this.#socket = socket;
    await once(socket, 'connect').catch((error: unknown) => mine.errors.push((error as Error).message));
  }

  #read(text: string): void {
    this.#answer += text;
    const end = this.#answer.indexOf('\r\n\r\n');
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(this.#answer)?.[1] ?? NaN);
    if (end < 0 || !(this.#answer.length >= end + 4 + length)) return;
    const list = this.#answer.slice(end + 4);
    const isListed = this.#answer.startsWith('HTTP/1.1 200 ') && list.includes(`${this.#ip}:8848\n`);
    const isWhole = list.split('\n').length === options.size + 1;
    this.#answer = '';
    const asked = this.#asked;
    this.#asked = undefined;
    if (!asked) return;
    asked.in.latencies.push(performance.now() - asked.planned);
    if (!isListed || !isWhole) asked.in.dropped.add(this.#ip);
    asked.heard();
  }

  #end(why: string): void {
    const asked = this.#asked;
    this.#asked = undefined;
    if (!asked) return;
    asked.in.errors.push(why);
    asked.heard();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function run(): Promise<void> {
  const members = range(options.clusters).flatMap((cluster) =>
    range(options.size).map((member) => new Member(cluster, member)),
  );
  // A cluster bootstraps when all of it wait.
  for (let i = 0; i < members.length; i += options.size) {
    for (let tries = 0; tries < 3; tries++) {
      await Promise.all(members.slice(i, i + options.size).map((member) => member.poll(performance.now())));
    }
  }
  process.stdout.write('LISTED\n');
  const moments = members
    .map((member) => ({ member, moment: Math.random() * EVERY }))
    .sort((a, b) => a.moment - b.moment);
  const start = performance.now();
  for (let next = 0; ;) {
    const turn = moments[next % moments.length];
    const at = start + Math.floor(next / moments.length) * EVERY + (turn?.moment ?? 0);
    if (at <= performance.now()) {
      measuring.late.push(performance.now() - at);
      void turn?.member.poll(at);
      next++;
    } else await pause(1);
  }
}

/** What a part of the values is not above. */
function quantile(values: readonly number[]): (part: number) => number {
  const ordered = Float64Array.from(values).sort();
  return (part) => ordered[Math.ceil(part * ordered.length) - 1] ?? NaN;
}

process.on('SIGUSR2', () => {
  const { latencies, late, errors, dropped } = measuring;
  measuring = nothing();
  const at = quantile(latencies);
  const told: HostileMembers = {
    polls: latencies.length,
    p50: at(0.5),
    p99: at(0.99),
    max: at(1),
    late: quantile(late)(0.99),
    errors: errors.length,
    dropped: dropped.size,
  };
  process.stdout.write(`MEASURED ${JSON.stringify(told)}\n`);
});
await run();
