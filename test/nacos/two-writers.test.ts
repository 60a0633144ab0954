import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readConf } from '../../src/agent/member-list.js';
import { startCli } from '../support/process.js';
import type { ReadReport, Sighting } from './file-reader.js';
import { clusterConfOf } from './node.js';
import { endWithThisProcess } from '../support/processes.js';
import { nacosTest } from './suite.js';
import { patiently } from './patience.js';

const ROUNDS = 1_000;

/** How long all must stay right in the end, in milliseconds: longer than the agent's slow look at the file (2 s). */
const QUIET = 3_000;

nacosTest(
  `Nacos and an agent write one cluster.conf for ${ROUNDS} changes`,
  {},
  async (cluster, scenario, t) => {
    await scenario('no list is ever invalid or short, and none that stays is lacking in Nacos', async () => {
      const server = await cluster.startServer({ args: ['--write-rate-limit', '0'] });
      const change = async (method: 'POST' | 'DELETE', ips: string): Promise<void> => {
        const response = await fetch(`${server.url}/nacos/v1/as/nodes?ips=${ips}`, { method });
        assert.equal(response.status, 200, await response.text());
      };
      const port = await cluster.takePort();
      const self = `127.0.0.1:${port}`;
      const conf = clusterConfOf(cluster.homeOf(port));
      mkdirSync(dirname(conf), { recursive: true });
      const agent = startCli(t, [
        'agent',
        '--server',
        server.url,
        '--self',
        self,
        '--expect',
        '1',
        '--cluster-conf',
        conf,
      ]);
      endWithThisProcess(agent.child);
      // Before its folder goes, which it would write to.
      cluster.atEnd(() => agent.child.kill('SIGKILL'));
      await patiently('the agent writes the list', () => existsSync(conf));
      const node = await cluster.startNode({ port, lookup: 'file' });
      await patiently('Nacos is ready', () => node.isRunning && node.isReady(), 250);

      // Nobody is at these addresses; to a list they are members like all.
      const stayers = [self];
      for (let i = 0; i < 2; i++) stayers.push(`127.0.0.1:${await cluster.takePort()}`);
      const changes = guestsComeAndGo(await cluster.takePort());
      const lists = [[], ...changes.map(({ guests }) => guests)].map((guests) =>
        [...stayers, ...guests].sort().join(),
      );
      assert.equal(new Set(lists).size, ROUNDS + 1, 'no list comes twice');
      const [first, last] = [lists[0] ?? '', lists.at(-1) ?? ''];
      const inFile = (): string => listIn(readFileSync(conf, 'utf8'));
      const inNacos = async (): Promise<string> => (await node.members()).join();
      await change('POST', stayers.slice(1).join());
      await patiently('the file has them', () => inFile() === first);
      await patiently('Nacos has them', async () => (await inNacos()) === first);

      const reader = fork(fileURLToPath(new URL('./file-reader.js', import.meta.url)), [conf]);
      endWithThisProcess(reader);
      cluster.atEnd(() => reader.kill('SIGKILL'));
      const sampler = sample(inNacos);
      const startedAt = performance.now();
      for (const [round, { method, guest }] of changes.entries()) {
        await change(method, guest);
        // Two changes at once, and Nacos is not waited for: while it takes one list up, and writes it, the next one comes.
        if (round % 2 === 0) continue;
        const wanted = lists[round + 1];
        await patiently(`change ${round + 1} is in the file`, () => inFile() === wanted, 1);
      }
      const took = performance.now() - startedAt;

      let since = performance.now();
      let seen = '';
      await patiently(
        'the file and Nacos are right in the end, and stay so',
        async () => {
          seen = `the file ${inFile()}\nNacos ${await inNacos()}\nnot ${last}`;
          if (seen !== `the file ${last}\nNacos ${last}\nnot ${last}`) since = performance.now();
          return performance.now() - since > QUIET;
        },
        50,
      ).catch((error: unknown) => {
        throw new Error(`${(error as Error).message}; at last\n${seen}`);
      });
      const samples = await sampler.end();
      const reported = once(reader, 'message');
      reader.send('stop');
      const [report] = (await reported) as [ReadReport];

      for (const had of samples.keys()) assert.ok(lists.includes(had), `Nacos had ${had}`);
      assert.equal(report.absent, 0, 'the file was always there');
      const found = judge(report.sightings, lists);
      // Without that there were no two writers.
      assert.ok(found.byNacos > 0 && found.byAgent > 0);
      const putRight = [...agent.stderr().matchAll(/"times":(\d+)/g)].reduce(
        (sum, [, n]) => sum + Number(n),
        0,
      );
      t.diagnostic(
        `${ROUNDS} changes in ${(took / 1_000).toFixed(1)} s; ${report.reads} reads saw ${found.byAgent} lists by the agent, ` +
          `${found.byNacos} by Nacos, ${found.stale} of them older than one before, and ${found.short} moments in which ` +
          `Nacos had truncated the file (${found.proven} beyond doubt; the longest ${found.longest.toFixed(1)} ms); ` +
          `the agent says that it put the file right ${putRight} times or more; ` +
          `${[...samples.values()].reduce((a, b) => a + b)} looks at Nacos’s members saw ${samples.size} lists`,
      );
    });
  },
);

interface Change {
  readonly method: 'POST' | 'DELETE';
  readonly guest: string;
  /** Who is there afterwards. */
  readonly guests: readonly string[];
}

/** One comes, the next one comes, the first goes, and so on: every list is another. Nobody is at their addresses. */
function guestsComeAndGo(port: number): Change[] {
  const guests: string[] = [];
  return Array.from({ length: ROUNDS }, (_, round): Change => {
    if (round > 0 && round % 2 === 0) {
      return { method: 'DELETE', guest: guests.shift() ?? '', guests: [...guests] };
    }
    const n = (round + 1) >> 1;
    const guest = `127.0.${1 + (n >> 8)}.${n & 255}:${port}`;
    guests.push(guest);
    return { method: 'POST', guest, guests: [...guests] };
  });
}

interface Found {
  byAgent: number;
  byNacos: number;
  /** Of Nacos's: one that it had taken up late, after the agent had written another. */
  stale: number;
  /** Moments in which a list was not whole. */
  short: number;
  /** Of these: the same file had been whole before, or had Nacos's hand afterwards. */
  proven: number;
  /** In milliseconds. */
  longest: number;
}

/**
 * Every content is a whole list, or the moment between Nacos's truncation of the file and its write. The agent's hand is
 * known by its first line and is never seen but on a whole list, as the first content of a file: so it was not the agent
 * who truncated.
 */
function judge(sightings: readonly Sighting[], lists: readonly string[]): Found {
  const found: Found = { byAgent: 0, byNacos: 0, stale: 0, short: 0, proven: 0, longest: 0 };
  const numbers = new Map(lists.map((list, number) => [list, number]));
  let newest = 0;
  let whole = false;
  let short = 0;
  let file = 0;
  for (const { text, lasted, ...seen } of sightings) {
    if (seen.file !== file) {
      file = seen.file;
      whole = false;
      short = 0;
    }
    const isAgents = text.startsWith('# Written by nacos-address-server agent');
    const number = numbers.get(listIn(text));
    if (number === undefined) {
      assert.ok(
        text === '' || /^#\d{4}-/.test(text),
        `neither a whole list nor the beginning of Nacos’s: ${text}`,
      );
      found.short++;
      found.longest = Math.max(found.longest, lasted);
      if (whole) found.proven++;
      else short++;
      continue;
    }
    if (isAgents) {
      assert.ok(short === 0 && !whole, `the agent wrote into a file that was there: ${text}`);
      found.byAgent++;
    } else {
      found.byNacos++;
      if (number < newest) found.stale++;
      found.proven += short;
      short = 0;
    }
    whole = true;
    newest = Math.max(newest, number);
  }
  return found;
}

/** The addresses in a cluster.conf, in order; of one that Nacos could not read, what is wrong. */
function listIn(text: string): string {
  const read = readConf(text);
  return read.ok ? [...read.value].sort().join() : read.problem;
}

/** Looks again and again until it is ended; resolves with how often each was seen. */
function sample(look: () => Promise<string>): { end: () => Promise<ReadonlyMap<string, number>> } {
  const seen = new Map<string, number>();
  let isOver = false;
  const done = (async () => {
    while (!isOver) {
      const now = await look();
      seen.set(now, (seen.get(now) ?? 0) + 1);
    }
    return seen;
  })();
  done.catch(() => undefined);
  return {
    end: () => {
      isOver = true;
      return done;
    },
  };
}
