import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readConf } from '../../src/agent/member-list.js';
import type { ServerProcess } from '../support/process.js';
import { addressesOf, groupsOf } from './beliefs.js';
import { assertRunning, eventsOf, listOf, viewOf } from './cluster.js';
import { agentLogOf, clusterConfOf, textOf, type NacosNode } from './node.js';
import { nacosTest } from './suite.js';
import { patiently } from './patience.js';

nacosTest('file lookup, an agent around each node', {}, async (cluster, scenario) => {
  let server: ServerProcess;
  let nodes: NacosNode[] = [];

  /** What a node's agent logged, as sentences. */
  const said = ({ home }: NacosNode): string[] =>
    textOf(agentLogOf(home))
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => (JSON.parse(line) as { msg: string }).msg);

  const confOf = ({ home }: NacosNode): string[] => {
    const read = readConf(readFileSync(clusterConfOf(home), 'utf8'));
    assert.ok(read.ok);
    return [...read.value].sort();
  };

  await scenario('three nodes bootstrap a cluster', async () => {
    server = await cluster.startServer();
    nodes = await cluster.startNodes(3, { lookup: 'agent', servers: [server] });
    await cluster.agree(nodes);
    assert.deepEqual(await listOf(server), addressesOf(nodes));
    for (const node of nodes) assert.deepEqual(confOf(node), addressesOf(nodes));
    await patiently('the registry knows that all have the list', async () => {
      const { state, members } = await viewOf(server);
      return state === 'whole' && members.every(({ upToDate: current }) => current);
    });
  });

  await scenario(
    'with every address server down a node restarts with its last list, and rejoins',
    async () => {
      server.child.kill('SIGKILL');
      await server.exited;
      const [first, ...others] = nodes as [NacosNode, ...NacosNode[]];
      await first.end('SIGKILL');
      const restarted = await cluster.startNode({ lookup: 'agent', servers: [server], port: first.port });
      nodes = [restarted, ...others];
      await cluster.agree(nodes);
      assert.ok(said(restarted).includes('no server answers; started with the last list that was received'));
      for (const node of nodes) assert.deepEqual(confOf(node), addressesOf(nodes));
    },
  );

  await scenario('and all of them are as before when a server is there again', async () => {
    server = await cluster.startServer({ port: server.port });
    await patiently('all are live', async () => (await viewOf(server)).state === 'whole', 500);
    await cluster.agree(nodes);
    assertRunning(nodes);
    const changes = (await eventsOf(server)).filter(
      ({ revision, type }) => revision > 1 || type === 'evicted',
    );
    assert.deepEqual(changes, [], 'the list never changed');
  });

  await scenario(
    'a node that is told to stop is off every list and out of Raft before it stops',
    async () => {
      const [leaver, ...rest] = nodes as [NacosNode, ...NacosNode[]];
      const ended = leaver.end('SIGTERM');
      await patiently('it has left', () => said(leaver).some((text) => text.startsWith('left: ')), 50);
      for (const node of rest) assert.deepEqual(confOf(node), addressesOf(rest));
      await patiently(
        'no group has it as a voter',
        async () =>
          [...(await groupsOf(rest)).values()].every(({ voters }) => !voters.includes(leaver.voter)),
        100,
      );
      await ended;
      await cluster.agree(rest);
      nodes = rest;
    },
  );

  await scenario('a new node at a new address takes its place', async () => {
    const newcomer = await cluster.startNode({ lookup: 'agent', servers: [server] });
    nodes = [...nodes, newcomer];
    await cluster.agree(nodes);
    assert.deepEqual(await listOf(server), addressesOf(nodes));
  });
});
