import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { clusterPath, expectedList, FLEET, NACOS_HEADERS, pollPath, range } from './members.js';
import type { Latency, SteadyMeasured, SteadyOptions } from './steady.js';

/*
 * A process of its own: members that poll every few seconds, each at its own moment, and plain GETs at random
 * moments, on a schedule that does not wait for answers (open loop). A latency counts from the planned moment,
 * so a server that stalls is charged with everything that piled up meanwhile.
 */

/** Connections opened at once while the load builds up, and the pause between two such groups, in milliseconds. */
const GROUP = 50;
const GROUP_PAUSE = 20;

/** How long the last answers may take, in milliseconds. */
const LAST_ANSWERS = 2_000;

interface Ask {
  readonly request: string;
  readonly list: string;
  readonly isPoll: boolean;
  /** When it should be sent, and whether it counts. */
  readonly planned: number;
  readonly counts: boolean;
}

const options = JSON.parse(process.argv[2] ?? '') as SteadyOptions;
const latencies = { polls: [] as number[], plain: [] as number[], sending: [] as number[] };
const errors: string[] = [];
let errorCount = 0;
let open = 0;
const { fleet = FLEET } = options;
const { clusters: CLUSTERS, size: SIZE } = fleet;

/** One kept-alive connection: one request at a time, the others wait their turn. */
class Line {
  readonly #socket: Socket;
  readonly #queue: Ask[] = [];
  #asked: Ask | undefined;
  #answer = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#read(text));
    socket.on('error', (error) => failed(`a connection failed: ${error.message}`));
    socket.on('close', () => {
      if (!stopping) failed('the server closed a connection');
    });
  }

  static async open(): Promise<Line> {
    const socket = connect(options.port, '127.0.0.1');
    await once(socket, 'connect');
    return new Line(socket);
  }

  ask(ask: Ask): void {
    open++;
    if (this.#asked) this.#queue.push(ask);
    else this.#send(ask);
  }

  #send(ask: Ask): void {
    this.#asked = ask;
    this.#socket.write(ask.request, 'latin1');
  }

  #read(text: string): void {
    const ask = this.#asked;
    if (!ask) return failed(`an answer that nobody asked for: ${text}`);
    this.#answer = this.#answer === '' ? text : this.#answer + text;
    const end = this.#answer.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(this.#answer)?.[1] ?? NaN);
    if (this.#answer.length < end + 4 + length) return;
    const took = performance.now() - ask.planned;
    if (ask.counts) (ask.isPoll ? latencies.polls : latencies.plain).push(took);
    const isRight =
      this.#answer.startsWith('HTTP/1.1 200 ') && sameList(this.#answer.slice(end + 4), ask.list);
    if (!isRight) failed(`a wrong answer: ${this.#answer}`);
    open--;
    this.#answer = '';
    this.#asked = undefined;
    const next = this.#queue.shift();
    if (next) this.#send(next);
  }

  close(): void {
    this.#socket.destroy();
  }
}

let stopping = false;

function failed(what: string): void {
  errorCount++;
  if (errors.length < 5) errors.push(what.slice(0, 500));
}

/** Initial members are listed in the order in which they came. */
const sorted = new Map<string, string>();
function sameList(text: string, list: string): boolean {
  let known = sorted.get(text);
  if (known === undefined) sorted.set(text, (known = text.split('\n').sort().join('\n')));
  return known === list;
}

const head = Object.entries(NACOS_HEADERS)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('');
const requestOf = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${options.port}\r\n${head}\r\n`;
const lists = range(CLUSTERS).map((cluster) => expectedList(cluster, fleet).split('\n').sort().join('\n'));
const plain = range(CLUSTERS).map((cluster) => requestOf(clusterPath(cluster)));
const polls = range(CLUSTERS * SIZE).map((n) =>
  requestOf(pollPath(Math.floor(n / SIZE), n % SIZE, options.token, fleet)),
);
const listAt = (cluster: number): string => lists[cluster] ?? '';

async function run(): Promise<SteadyMeasured> {
  const { pollEvery, plainRate, seconds } = options;
  const memberLines: Line[] = [];
  const plainLines: Line[] = [];
  const poll = (member: number, planned: number, counts: boolean): void => {
    const list = listAt(Math.floor(member / SIZE));
    const ask = { request: polls[member] ?? '', list, isPoll: true, planned, counts };
    memberLines[member % memberLines.length]?.ask(ask);
  };

  for (let next = 0; next < options.memberConnections; next += GROUP) {
    const group = range(Math.min(GROUP, options.memberConnections - next));
    memberLines.push(...(await Promise.all(group.map(() => Line.open()))));
    // A connection that says nothing at first would be closed.
    for (const i of group) {
      const list = listAt(Math.floor((next + i) / SIZE));
      const ask = {
        request: polls[next + i] ?? '',
        list,
        isPoll: true,
        planned: performance.now(),
        counts: false,
      };
      memberLines[next + i]?.ask(ask);
    }
    await pause(GROUP_PAUSE);
  }
  plainLines.push(...(await Promise.all(range(options.plainConnections).map(() => Line.open()))));

  // Members poll in the order of their moments, so one period after the other is a walk through this list.
  const moments = range(CLUSTERS * SIZE)
    .map((member) => ({ member, moment: Math.random() * pollEvery }))
    .sort((a, b) => a.moment - b.moment);
  const start = performance.now() + 100;
  const counted = start + (options.settle ?? pollEvery / 1_000) * 1_000; // the server warms up
  let ownBefore: NodeJS.CpuUsage | undefined;
  const end = counted + seconds * 1_000;
  let nextPoll = 0;
  let plainAt = start;
  const pollAt = (n: number): number =>
    start + Math.floor(n / moments.length) * pollEvery + (moments[n % moments.length]?.moment ?? 0);

  process.stdout.write('STEADY\n');
  for (let now = performance.now(); now < end; now = performance.now()) {
    if (now >= counted) ownBefore ??= process.cpuUsage();
    for (let at = pollAt(nextPoll); at <= now && at < end; at = pollAt(++nextPoll)) {
      poll(moments[nextPoll % moments.length]?.member ?? 0, at, at >= counted);
      if (at >= counted) latencies.sending.push(performance.now() - at);
    }
    for (
      ;
      plainRate > 0 && plainAt <= now && plainAt < end;
      plainAt -= (Math.log(1 - Math.random()) / plainRate) * 1_000
    ) {
      const cluster = Math.floor(Math.random() * CLUSTERS);
      const line = plainLines[Math.floor(Math.random() * plainLines.length)];
      const counts = plainAt >= counted;
      line?.ask({
        request: plain[cluster] ?? '',
        list: listAt(cluster),
        isPoll: false,
        planned: plainAt,
        counts,
      });
      if (counts) latencies.sending.push(performance.now() - plainAt);
    }
    await pause(1);
  }

  const own = process.cpuUsage(ownBefore);
  const ownCpu = (own.user + own.system) / 1e6 / seconds;
  const patience = performance.now() + LAST_ANSWERS;
  while (open > 0 && performance.now() < patience) await pause(10);
  if (open > 0) failed(`${open} requests were never answered`);
  stopping = true;
  for (const line of [...memberLines, ...plainLines]) line.close();
  return {
    all: summary([...latencies.polls, ...latencies.plain]),
    polls: summary(latencies.polls),
    plain: summary(latencies.plain),
    sending: summary(latencies.sending),
    ownCpu,
    errors: errorCount,
    firstErrors: errors,
  };
}

function summary(values: readonly number[]): Latency {
  const ordered = Float64Array.from(values).sort();
  const at = (part: number): number => ordered[Math.ceil(part * ordered.length) - 1] ?? NaN;
  return { count: ordered.length, p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

console.log(`RESULT ${JSON.stringify(await run())}`);
