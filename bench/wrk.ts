import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Children } from './children.js';
import { allPollPaths, NACOS_HEADERS } from './members.js';

/** What one run of wrk measured. */
export interface Measured {
  readonly requests: number;
  readonly requestsPerSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** wrk's scripts: one that repeats a single GET, and one a method that picks one of all members each time. */
export class Wrk {
  readonly #children: Children;
  readonly #program: string;
  readonly #folder: string;
  #seed = 1;

  constructor(children: Children, program: string, folder: string) {
    this.#children = children;
    this.#program = program;
    this.#folder = folder;
    writeFileSync(join(folder, 'paths.txt'), allPollPaths().join('\n') + '\n');
    writeFileSync(join(folder, 'same.lua'), HEADERS + DONE);
    for (const method of ['GET', 'POST'] as const) {
      writeFileSync(join(folder, `members-${method}.lua`), HEADERS + pickMember(folder, method) + DONE);
    }
  }

  /** The same request again and again, or those of random members. Rejects when any failed. */
  async run(
    url: string,
    who: 'same' | 'members-GET' | 'members-POST',
    connections: number,
    seconds: number,
  ): Promise<Measured> {
    const script = join(this.#folder, `${who}.lua`);
    const args = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '-s', script, url];
    const child = this.#children.start(this.#program, [...args, '--', String(this.#seed++)]);
    const status = await child.ended;
    const line = /^RESULT (.*)$/m.exec(child.stdout())?.[1];
    if (status !== 0 || line === undefined) {
      throw new Error(`wrk ended with ${status}: ${child.stderr()}${child.stdout()}`);
    }
    const result = JSON.parse(line) as Record<string, number>;
    const { requests = 0, microseconds = 0, p50 = NaN, p99 = NaN, ...errors } = result;
    if (requests === 0 || Object.values(errors).some((count) => count > 0)) {
      throw new Error(`${url} (${who}) failed under wrk: ${line}`);
    }
    return {
      requests,
      requestsPerSecond: requests / (microseconds / 1e6),
      p50: p50 / 1_000,
      p99: p99 / 1_000,
    };
  }
}

const HEADERS = Object.entries(NACOS_HEADERS)
  .map(([name, value]) => `wrk.headers["${name}"] = "${value}"\n`)
  .join('');

/** All requests are built before the first is sent. */
function pickMember(folder: string, method: 'GET' | 'POST'): string {
  return `
local threads = 0
function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

local requests = {}
function init(args)
  math.randomseed(tonumber(args[1]) * 1000 + number)
  for path in io.lines("${join(folder, 'paths.txt')}") do
    requests[#requests + 1] = wrk.format("${method}", path)
  end
end

function request()
  return requests[math.random(#requests)]
end
`;
}

/** `status` counts answers of 400 and more; none of the servers redirects. */
const DONE = `
function done(summary, latency, requests)
  local e = summary.errors
  print(string.format(
    'RESULT {"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect, e.read, e.write, e.status, e.timeout))
end
`;
