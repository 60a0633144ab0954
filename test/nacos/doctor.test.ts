import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import type { ServerProcess } from '../support/process.js';
import { addressesOf, groupsOf } from './beliefs.js';
import { eventsOf } from './cluster.js';
import { examine, repair } from './doctor.js';
import { clusterConfOf, type NacosNode } from './node.js';
import { readInstance, writeInstance } from './persistent-data.js';
import { nacosTest } from './suite.js';
import { haveJoined } from './unsafe-lists.js';
import { patiently } from './patience.js';

nacosTest(
  'the doctor: injury 2, and an interrupted repair',
  { can: ['raft views'] },
  async (cluster, scenario, t) => {
    let server: ServerProcess;
    const nodes: NacosNode[] = [];

    /** Not our list: written by hand, as unsafe as it may be. */
    const write = (to: readonly NacosNode[], members: readonly NacosNode[]): void => {
      for (const { home } of to)
        writeFileSync(clusterConfOf(home), members.map(({ address }) => `${address}\n`).join(''));
    };

    await scenario('finds nothing in a healthy cluster', async () => {
      server = await cluster.startServer();
      const ports = [await cluster.takePort(), await cluster.takePort(), await cluster.takePort()];
      const members = ports.map((port) => `127.0.0.1:${port}`);
      for (const port of ports) nodes.push(await cluster.startNode({ lookup: 'file', port, members }));
      await cluster.agree(nodes);
      await haveJoined(nodes);
      for (const self of members)
        await fetch(`${server.url}/nacos/serverlist?self=${self}&expect=3`, { method: 'POST' });
      const { state, findings, unknown, groups, nodes: read, status } = await examine(t, server);
      assert.deepEqual([state, findings, unknown, status], ['healthy', [], [], 0]);
      const all = [...(await groupsOf(nodes)).keys()].sort();
      assert.deepEqual(groups, all);
      for (const { version, voterOf } of read) assert.deepEqual([version, voterOf], [cluster.version, all]);
      assert.equal(read.flatMap(({ leads }) => leads).length, all.length, 'each group has one leader');
      const nothing = await repair(t, server, '--yes');
      assert.deepEqual([nothing.status, nothing.plan.steps], [0, []]);
      await writeInstance(nodes[0]!, 'before');
      assert.deepEqual(cluster.alarmsOf(server), []);
    });

    await scenario('finds a live node that was dropped from the lists for a moment (injury 2)', async () => {
      const [dropped, ...others] = nodes as [NacosNode, ...NacosNode[]];
      write(others, others);
      await patiently(
        'Raft has dropped it',
        async () => {
          const groups = [...(await groupsOf(others)).values()];
          return groups.length > 0 && groups.every(({ voters }) => !voters.includes(dropped.voter));
        },
        200,
      );
      assert.ok((await examine(t, server)).findings.some(({ code }) => code === 'list-differs'));
      write(others, nodes);
      await patiently('the nodes list it again', async () => {
        const views = await Promise.all(nodes.map((node) => node.members()));
        return views.every((view) => view.join() === addressesOf(nodes).join());
      });
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
  },
);
