import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import type { Diagnosis } from '../../src/doctor/findings.js';
import { runCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import type { ServerProcess } from '../support/process.js';
import { addressesOf, groupsOf } from './cluster.js';
import { clusterConfOf, type NacosNode } from './node.js';
import { nacosTest } from './suite.js';

nacosTest('The doctor, with Nacos 2.5.1', async (cluster, scenario, t) => {
  let server: ServerProcess;
  const nodes: NacosNode[] = [];

  const look = async (again = '0s'): Promise<Diagnosis & { status: number | string }> => {
    const ran = await runCli(t, ['doctor', '--json', '--again', again, '--server', server.url]);
    assert.equal(ran.err, '');
    return { ...(JSON.parse(ran.out) as Diagnosis), status: ran.status };
  };

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
    for (const self of members)
      await fetch(`${server.url}/nacos/serverlist?self=${self}&expect=3`, { method: 'POST' });
    assert.deepEqual(await look(), { findings: [], unknown: [], status: 0 });
  });

  await scenario('finds a live node that was dropped from the lists for a moment (injury 2)', async () => {
    const [dropped, ...others] = nodes as [NacosNode, ...NacosNode[]];
    write(others, others);
    await eventually(
      'Raft has dropped it',
      async () => {
        const groups = [...(await groupsOf(others)).values()];
        return groups.length > 0 && groups.every(({ voters }) => !voters.includes(dropped.voter));
      },
      30_000,
      200,
    );
    assert.ok((await look()).findings.some(({ code }) => code === 'list-differs'));
    write(others, nodes);
    await eventually('the nodes list it again', async () => {
      const views = await Promise.all(nodes.map((node) => node.members()));
      return views.every((view) => view.join() === addressesOf(nodes).join());
    });
    const { findings, status } = await look('3s');
    assert.deepEqual(
      [status, findings.map(({ code, node }) => [code, node])],
      [2, [['no-voter', dropped.address]]],
    );
    assert.equal(findings[0]?.groups?.length, (await groupsOf(nodes)).size, 'in every group');
  });

  await scenario('what it advises brings the node back, without a restart', async () => {
    const value = nodes.map(({ voter }) => voter).join();
    for (const { leader } of (await groupsOf(nodes)).values()) {
      const node = nodes.find(({ voter }) => voter === leader)!;
      await fetch(`${node.url}/nacos/v1/core/ops/raft`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ command: 'changePeers', value }),
      });
    }
    await eventually('nothing is found', async () => (await look()).findings.length === 0, 30_000, 500);
    await cluster.agree(nodes, 30_000);
  });

  await scenario(
    'finds that a lost majority leaves no leader, whatever the survivor calls itself',
    async () => {
      const groups = [...(await groupsOf(nodes)).keys()].sort();
      const [kept, ...lost] = nodes as [NacosNode, ...NacosNode[]];
      await Promise.all(lost.map((node) => node.end('SIGKILL')));
      assert.ok(kept.isRunning);
      await eventually(
        'a leader is missed',
        async () => {
          const { findings } = await look();
          return findings.find(({ code }) => code === 'no-leader')?.groups?.join() === groups.join();
        },
        60_000,
        1_000,
      );
    },
  );
});
