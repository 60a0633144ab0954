import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readConf } from '../../src/agent/member-list.js';
import { eventually } from '../support/eventually.js';
import { startCli } from '../support/process.js';
import { START_LIMIT } from './cluster.js';
import type { ReadReport, Sighting } from './file-reader.js';
import { clusterConfOf } from './node.js';
import { endWithThisProcess } from './processes.js';
import { nacosTest } from './suite.js';

const ROUNDS = 1_000;

/** How long one change may take until it is in the file, in milliseconds. */
const PATIENCE = 10_000;

/** How long all must stay right in the end, in milliseconds: longer than the agent's slow look at the file (2 s). */
const QUIET = 3_000;

nacosTest(
  `Nacos 2.5.1 and an agent write one cluster.conf for ${ROUNDS} changes`,
  async (cluster, scenario, t) => {
    await scenario('no list is ever invalid or short, and none that stays is lacking in Nacos', async () => {
      const server = await cluster.startServer({ args: ['--change-rate', '0'] });
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
      await eventually('the agent writes the list', () => existsSync(conf));
      const node = await cluster.startNode({ port, lookup: 'file' });
      await eventually('Nacos is ready', () => node.isRunning && node.isReady(), START_LIMIT, 250);

      // Nobody is at these addresses; to a list they are members like all.
      const stayers = [self];
      for (let i = 0; i < 2; i++) stayers.push(`127.0.0.1:${await cluster.takePort()}`);
      const guest = `127.0.0.1:${await cluster.takePort()}`;
      const without = [...stayers].sort().join();
      const withGuest = [...stayers, guest].sort().join();
      const inFile = (): string => listIn(readFileSync(conf, 'utf8'));
      const inNacos = async (): Promise<string> => (await node.members()).join();
      await change('POST', stayers.slice(1).join());
      await eventually('the file has them', () => inFile() === without);
      await eventually('Nacos has them', async () => (await inNacos()) === without);

      const reader = fork(fileURLToPath(new URL('./file-reader.js', import.meta.url)), [conf]);
      endWithThisProcess(reader);
      const sampler = sample(inNacos);
      const startedAt = performance.now();
      for (let round = 0; round < ROUNDS; round++) {
        const isIn = round % 2 === 0;
        await change(isIn ? 'POST' : 'DELETE', guest);
        const wanted = isIn ? withGuest : without;
        // Nacos is not waited for: while it takes one list up, and writes it, the next one comes.
        await eventually(`change ${round} is in the file`, () => inFile() === wanted, PATIENCE, 1);
      }
      const took = performance.now() - startedAt;
      const last = ROUNDS % 2 === 1 ? withGuest : without;
      const isRight = async (): Promise<boolean> => inFile() === last && (await inNacos()) === last;
      await eventually('the file and Nacos are right in the end', isRight, 30_000, 50);
      const until = performance.now() + QUIET;
      await eventually(
        'they stay right',
        async () => {
          assert.ok(await isRight(), `${inFile()} in the file, ${await inNacos()} in Nacos, not ${last}`);
          return performance.now() > until;
        },
        QUIET + PATIENCE,
        50,
      );
      const samples = await sampler.end();
      const reported = once(reader, 'message');
      reader.send('stop');
      const [report] = (await reported) as [ReadReport];

      for (const seen of samples.keys())
        assert.ok(seen === without || seen === withGuest, `Nacos had ${seen}`);
      assert.equal(samples.size, 2, 'Nacos followed');
      assert.equal(report.absent, 0, 'the file was always there');
      const found = judge(report.sightings, [without, withGuest]);
      // Without that there were no two writers.
      assert.ok(found.byNacos > 0 && found.byAgent > 0);
      const putRight = [...agent.stderr().matchAll(/"times":(\d+)/g)].reduce(
        (sum, [, n]) => sum + Number(n),
        0,
      );
      t.diagnostic(
        `${ROUNDS} changes in ${(took / 1_000).toFixed(1)} s; ${report.reads} reads: ${found.byAgent} lists by the agent and ${found.byNacos} by Nacos, ` +
          `${found.short} moments in which Nacos had truncated the file (${found.proven} seen whole before; the longest ${found.longest.toFixed(1)} ms); ` +
          `the agent says that it put the file right at least ${putRight} times; ${[...samples.values()].reduce((a, b) => a + b)} looks at Nacos’s members`,
      );
    });
  },
);

interface Found {
  byAgent: number;
  byNacos: number;
  /** Moments in which a list was not whole. */
  short: number;
  /** Of these: the same file had been whole before, so that it was truncated. */
  proven: number;
  /** In milliseconds. */
  longest: number;
}

/**
 * Every content is a whole list, or the moment between Nacos's truncation of the file and its write. The agent's hand is
 * known by its first line and is never seen on less than a whole list, nor in a file that was less before: so it was not
 * the agent who truncated.
 */
function judge(sightings: readonly Sighting[], lists: readonly string[]): Found {
  const found: Found = { byAgent: 0, byNacos: 0, short: 0, proven: 0, longest: 0 };
  const whole = new Set<number>();
  const truncated = new Set<number>();
  for (const { file, text, lasted } of sightings) {
    const isAgents = text.startsWith('# Written by nacos-address-server agent');
    if (lists.includes(listIn(text))) {
      whole.add(file);
      if (isAgents) assert.ok(!truncated.has(file), `the agent wrote into the file: ${text}`);
      if (isAgents) found.byAgent++;
      else found.byNacos++;
      continue;
    }
    assert.ok(
      text === '' || /^#\d{4}-/.test(text),
      `neither a whole list nor the beginning of Nacos’s: ${text}`,
    );
    found.short++;
    if (whole.has(file)) found.proven++;
    found.longest = Math.max(found.longest, lasted);
    truncated.add(file);
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
