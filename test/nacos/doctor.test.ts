import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { ServerProcess } from '../support/process.js';
import { groupsOf, mostLeadingFirst } from './beliefs.js';
import { eventsOf } from './cluster.js';
import { examine, repair } from './doctor.js';
import type { NacosNode } from './node.js';
import { readInstance, writeInstance } from './persistent-data.js';
import { nacosTest } from './suite.js';
import {
  allLed,
  haveInstance,
  haveJoined,
  listEachOther,
  register,
  startWithList,
  takePorts,
  writeLists,
} from './unsafe-lists.js';
import { patiently } from './patience.js';

nacosTest(
  'the doctor: injury 2, an interrupted repair, and injury 4',
  { can: ['raft views'] },
  async (cluster, scenario, t) => {
    let server: ServerProcess;
    let nodes: NacosNode[] = [];
    let phantom = '';

    await scenario('finds nothing in a healthy cluster', async () => {
      server = await cluster.startServer();
      const ports = await takePorts(cluster, 3);
      const members = ports.map((port) => `127.0.0.1:${port}`);
      nodes = await startWithList(cluster, ports, members);
      await cluster.agree(nodes);
      await haveJoined(nodes);
      await register(server, nodes);
      const { state, findings, unknown, groups, nodes: read, status } = await examine(t, server);
      assert.deepEqual([state, findings, unknown, status], ['healthy', [], [], 0]);
      const all = [...(await groupsOf(nodes)).keys()].sort();
      assert.deepEqual(groups, all);
      for (const { version, voterIn } of read) assert.deepEqual([version, voterIn], [cluster.version, all]);
      assert.equal(read.flatMap(({ leads }) => leads).length, all.length, 'each group has one leader');
      const nothing = await repair(t, server, '--yes');
      assert.deepEqual([nothing.status, nothing.plan.steps], [0, []]);
      await writeInstance(nodes[0]!, 'before');
      assert.deepEqual(cluster.alarmsOf(server), []);
    });

    await scenario('finds a live node that was dropped from the lists for a moment (injury 2)', async () => {
      const [dropped, ...others] = nodes as [NacosNode, ...NacosNode[]];
      writeLists(others, others);
      await patiently(
        'Raft has dropped it',
        async () => {
          const groups = [...(await groupsOf(others)).values()];
          return groups.length > 0 && groups.every(({ voters }) => !voters.includes(dropped.voter));
        },
        200,
      );
      assert.ok((await examine(t, server)).findings.some(({ code }) => code === 'list-differs'));
      writeLists(others, nodes);
      await listEachOther(nodes);
      const { findings, status } = await examine(t, server);
      assert.deepEqual(
        [status, findings.map(({ code, node }) => [code, node])],
        [2, [['no-voter', dropped.address]]],
      );
      assert.equal(findings[0]?.groups?.length, (await groupsOf(nodes)).size, 'in every group');
      const dry = await repair(t, server, '--dry-run');
      assert.deepEqual([dry.status, dry.events], [2, []]);
      assert.deepEqual([...new Set(dry.plan.steps.map(({ command }) => command))], ['restRaftCluster']);
      assert.equal((await examine(t, server)).findings.length, 1, 'nothing was done');
    });

    await scenario('a server that is killed in the midst of a repair: the next one finishes it', async () => {
      const { plan } = await repair(t, server, '--dry-run');
      const path = '/api/v1/clusters/nacos/serverlist/repair';
      const begun = await fetch(`${server.url}${path}?plan=${plan.id}`, { method: 'POST' });
      assert.equal(begun.status, 202);
      const again = await fetch(`${server.url}${path}?plan=${plan.id}`, { method: 'POST' });
      assert.equal(again.status, 409, 'one at a time');
      server.child.kill('SIGKILL');
      await server.exited;
      server = await cluster.startServer({ port: server.port });
      const { status, plan: rest, health } = await repair(t, server, '--yes');
      assert.equal(status, 0);
      assert.ok(rest.steps.length <= plan.steps.length);
      assert.deepEqual(health?.findings, []);
      await cluster.agree(nodes);
      for (const node of nodes) assert.ok(await readInstance(node, 'before'), `${node.port} has the data`);
      const types = (await eventsOf(server))
        .map(({ type }) => type)
        .filter((type) => type.startsWith('repair'));
      assert.deepEqual(
        [types[0], types.at(-1)],
        ['repairing', rest.steps.length > 0 ? 'repaired' : 'repair-stopped'],
      );
      assert.ok(types.includes('repair-stopped'), 'the interrupted one');
    });

    await scenario(
      'a killed leader that leaves the lists before the next election stays a voter',
      async () => {
        server.child.kill('SIGTERM');
        await server.exited;
        await haveJoined(nodes);
        const before = await groupsOf(nodes);
        const [killed, ...others] = mostLeadingFirst(nodes, before);
        phantom = killed.voter;
        const led = [...before].filter(([, { leader }]) => leader === phantom).map(([name]) => name);
        // No pause between the two, and in this order. The others read their lists 10 ms later and ask the leader to
        // remove its own address; it is dead, the next one is elected 5 s later at the earliest, and nobody asks again.
        // So it stays in every group that it led. A list that came first might still be obeyed by the living leader.
        const ended = killed.end('SIGKILL');
        writeLists(others, others);
        await ended;
        nodes = others;
        await allLed(others);
        // A server that never knew it, so it is nobody's to remove but an operator's.
        server = await cluster.startServer({ file: join(cluster.folder('another'), 'registry.db') });
        await register(server, others);

        const { findings, status } = await examine(t, server);
        assert.deepEqual([status, findings.map(({ code }) => code)], [2, ['phantom-voter']]);
        const [{ groups = [], sentence }] = findings as [(typeof findings)[0]];
        assert.ok(sentence.includes(phantom), sentence);
        const having = [...(await groupsOf(others))].filter(([, { voters }]) => voters.includes(phantom));
        assert.deepEqual([...groups].sort(), having.map(([name]) => name).sort());
        for (const name of led) assert.ok(groups.includes(name), `${phantom} led ${name}`);
      },
    );

    await scenario('the doctor’s repair removes the phantom, and the data is still there', async () => {
      const { status, plan, events, health } = await repair(t, server, '--yes');
      assert.deepEqual([status, events.at(-1)?.type, health?.findings], [0, 'repaired', []]);
      for (const { command, value } of plan.steps)
        assert.deepEqual([command, value], ['removePeer', phantom]);
      await haveInstance(nodes, 'before');
      await writeInstance(nodes[1]!, 'after');
      await haveInstance(nodes, 'after');
    });

    await scenario(
      'finds a node that is listed otherwise than it calls itself, and spares its vote',
      async () => {
        server.child.kill('SIGTERM');
        await server.exited;
        const [first, second] = nodes as [NacosNode, NacosNode];
        const otherwise = second.address.replace('127.0.0.1', '127.0.0.2');
        server = await cluster.startServer({ file: join(cluster.folder('misnaming'), 'registry.db') });
        await register(server, [first, { address: otherwise }]);
        const { state, findings } = await examine(t, server);
        assert.notEqual(state, 'healthy');
        // The lists that the nodes have are not this server's.
        assert.deepEqual(findings.map(({ code, node }) => [code, node]).sort(), [
          ['list-differs', first.address],
          ['misnamed', otherwise],
        ]);
        const { sentence = '' } = findings.find(({ code }) => code === 'misnamed') ?? {};
        assert.ok(sentence.startsWith(`${otherwise} calls itself ${second.address} `), sentence);
        const { plan } = await repair(t, server, '--yes');
        assert.deepEqual(plan.steps, []);
      },
    );
  },
);
