import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Balancer } from '../support/balancer.js';
import { runCli } from '../support/cli.js';
import { createDatabase, testDatabase } from '../support/databases.js';
import type { ServerProcess } from '../support/process.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { addressesOf, groupsOf, mostLeadingFirst } from './beliefs.js';
import { assertRunning, eventsOf, leave, listOf, viewOf } from './cluster.js';
import { unlocked } from './doctor.js';
import type { NacosNode } from './node.js';
import { readInstance, writeInstance } from './persistent-data.js';
import { nacosTest } from './suite.js';
import { haveJoined } from './unsafe-lists.js';
import { patiently } from './patience.js';

const mysql = testDatabase('mysql-8');
const lacking = mysql.url === undefined && mysql.skip;

/** How long Nacos waits for the answer to a poll, in milliseconds. */
const NACOS_READS = 2_500;

/** How long the database is away. */
const AWAY = 60_000;

nacosTest(
  'two address servers on MySQL behind a TCP balancer',
  { can: ['raft views', 'command answers'], lacking },
  async (cluster, scenario, t) => {
    const url = new URL(await createDatabase(t, mysql));
    const proxy = await TcpProxy.open({ host: url.hostname, port: Number(url.port) });
    const balancer = await Balancer.open();
    cluster.atEnd(() => {
      balancer.close();
      proxy.close();
    });
    url.host = `127.0.0.1:${proxy.port}`;

    let servers: ServerProcess[] = [];
    let nodes: NacosNode[] = [];
    const start = async (port?: number): Promise<ServerProcess> =>
      cluster.startServer({ databaseUrl: url.href, ...(port === undefined ? {} : { port }) });
    const use = (...running: ServerProcess[]): void => {
      servers = running;
      balancer.use(...running.map(({ port }) => port));
    };
    /** Every server says that all members are live and have the newest list. */
    const isWhole = (): Promise<unknown> =>
      patiently(
        'every server sees a whole cluster',
        async () => {
          const views = await Promise.all(servers.map(viewOf));
          return views.every(
            ({ state, members }) => state === 'whole' && members.every(({ upToDate: current }) => current),
          );
        },
        250,
      );
    /** All members have polled since now. */
    const hearsAll = (server: ServerProcess): Promise<unknown> => {
      const since = performance.now();
      return patiently(
        'all members have polled',
        async () => {
          const { members } = await viewOf(server);
          return members.every(({ silentMs = Infinity }) => silentMs < performance.now() - since - 100);
        },
        250,
      );
    };
    const startNode = (): Promise<NacosNode> => cluster.startNode({ lookupPort: balancer.port });

    await scenario('three nodes bootstrap a cluster', async () => {
      use(await start(), await start());
      nodes = await Promise.all([startNode(), startNode(), startNode()]);
      await cluster.agree(nodes);
      await isWhole();
      await writeInstance(nodes[0]!, 'kept');
    });

    await scenario('each server is killed in turn, and started again', async () => {
      for (const killed of [...servers]) {
        const other = servers.find((server) => server !== killed)!;
        const [at] = [servers.indexOf(killed)];
        killed.child.kill('SIGKILL');
        await killed.exited;
        await hearsAll(other);
        const again = await start(killed.port);
        use(...servers.map((server, i) => (i === at ? again : server)));
        await isWhole();
        await cluster.agree(nodes);
      }
    });

    await scenario(`the database is away for ${AWAY / 1_000} s`, async () => {
      await proxy.refuse();
      proxy.cut();
      const until = performance.now() + AWAY;
      const times: number[] = [];
      while (performance.now() < until) {
        for (const server of servers) {
          const started = performance.now();
          const answer = await fetch(`${server.url}/nacos/serverlist`);
          assert.equal(answer.status, 200);
          assert.deepEqual((await answer.text()).trim().split('\n').sort(), addressesOf(nodes));
          times.push(performance.now() - started);
          const ready = await fetch(`${server.url}/readyz`);
          assert.equal(ready.status, 200);
        }
        assertRunning(nodes);
        await sleep(1_000);
      }
      // The usual poll, and not each: a slow machine may stand still for a while.
      const usual = times.sort((a, b) => a - b)[times.length >> 1] ?? Infinity;
      assert.ok(usual < NACOS_READS, `${usual} ms`);
      await cluster.agree(nodes);
      await proxy.restore();
      await isWhole();
      await cluster.agree(nodes);
    });

    await scenario('the servers are replaced by new ones, one after the other', async () => {
      for (const old of [...servers]) {
        const fresh = await start();
        use(...servers, fresh);
        old.child.kill('SIGTERM');
        assert.equal(await old.exited, 0);
        use(...servers.filter((server) => server !== old));
        await hearsAll(fresh);
        await isWhole();
        await cluster.agree(nodes);
      }
    });

    await scenario('a node joins and another leaves, through whichever server', async () => {
      const joiner = await startNode();
      await cluster.agree([...nodes, joiner]);
      await isWhole();
      const [leaver, ...rest] = nodes;
      const { status, text } = await leave(
        { url: `http://127.0.0.1:${balancer.port}` },
        leaver!.address,
        '15s',
      );
      assert.equal(status, 200, text);
      await leaver!.end('SIGTERM');
      nodes = [...rest, joiner];
      await cluster.agree(nodes);
      for (const server of servers) assert.deepEqual(await listOf(server), addressesOf(nodes));
    });

    await scenario(
      'a leader that leaves and is gone at once is finished in Raft, by one server',
      async () => {
        const [hasty, ...rest] = mostLeadingFirst(nodes, await groupsOf(nodes));
        await leave(servers[0]!, hasty.address, '0s');
        await hasty.end('SIGKILL');
        nodes = rest;
        await cluster.agree(nodes);
        await unlocked(servers[0]!);
        const types = (await eventsOf(servers[1]!)).map(({ type }) => type);
        const count = (type: string): number => types.filter((one) => one === type).length;
        t.diagnostic(count('repairing') > 0 ? 'finished by the registry' : 'finished by Nacos itself');
        assert.ok(count('repairing') <= 1);
        assert.deepEqual([count('repaired'), count('repair-stopped')], [count('repairing'), 0]);
        nodes.push(await startNode());
        await cluster.agree(nodes);
        await isWhole();
      },
    );

    await scenario('two operators repair at once, through two servers: one of them does', async () => {
      await haveJoined(nodes);
      const before = await groupsOf(nodes);
      const dropped = mostLeadingFirst(nodes, before).at(-1)!;
      const others = [...before].filter(([, { leader }]) => leader !== dropped.voter);
      await Promise.all(
        others.map(async ([groupId, { leader }]) => {
          const node = nodes.find(({ voter }) => voter === leader)!;
          const answer = await node.tellRaft({ groupId, command: 'removePeer', value: dropped.voter });
          assert.match(answer, /"code":(200|0)\b/);
        }),
      );
      const doctor = ['doctor', '--repair', '--yes', '--json', '--server'];
      const ran = await Promise.all(servers.map((server) => runCli(t, [...doctor, server.url])));
      const repaired = ran.filter(({ status }) => status === 0);
      // Who comes a moment later is told of the lock, of another plan, or that there is nothing left.
      for (const { err } of ran.filter(({ status }) => status !== 0)) {
        assert.match(err, /is being repaired already|has changed since you looked|nothing that a command/);
      }
      assert.ok(repaired.length > 0, JSON.stringify(ran));
      const types = (await eventsOf(servers[0]!)).map(({ type }) => type);
      const begun = types.findLastIndex((type) => type === 'admitted');
      const steps = types.slice(begun).filter((type) => type.startsWith('repair') && type !== 'repair-step');
      assert.deepEqual(steps, ['repairing', 'repaired']);
      await cluster.agree(nodes);
    });

    await scenario('no node was dropped, and what was written is everywhere', async () => {
      const events = await eventsOf(servers[0]!);
      const types = new Set(events.map(({ type }) => type));
      assert.deepEqual(cluster.harmIn(events, ['evicted', 'replaced', 'quorum-lost']), []);
      assert.ok(!types.has('rebootstrapped'));
      assert.equal(events.filter(({ type }) => type === 'bootstrapped').length, 1);
      for (const node of nodes) {
        await patiently(`${node.port} has the data`, () => readInstance(node, 'kept'), 500);
      }
    });
  },
);
