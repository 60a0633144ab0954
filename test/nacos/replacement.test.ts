import assert from 'node:assert/strict';
import { DEFAULT_RULES } from '../../src/registry/rules.js';
import type { ServerProcess } from '../support/process.js';
import { addressesOf, groupsOf, mostLeadingFirst } from './beliefs.js';
import { eventsOf, leave, listOf, viewOf } from './cluster.js';
import { unlocked } from './doctor.js';
import type { NacosNode } from './node.js';
import { readInstance, writeInstance } from './persistent-data.js';
import { nacosTest } from './suite.js';
import { patiently } from './patience.js';

nacosTest(
  'every node replaced by a new address, and a killed leader',
  { can: ['raft views', 'resetPeers'] },
  async (cluster, scenario, t) => {
    let server: ServerProcess;
    let nodes: NacosNode[] = [];

    /** As a pod ends: preStop, SIGTERM, the end of the process. */
    const stop = async (node: NacosNode): Promise<void> => {
      const { status, text } = await leave(server, node.address, '15s');
      assert.equal(status, 200, text);
      await node.end('SIGTERM');
    };
    const startNew = (): Promise<NacosNode> => cluster.startNode({ lookupPort: server.port });

    await scenario('three nodes bootstrap a cluster', async () => {
      server = await cluster.startServer();
      nodes = await cluster.startNodes(3, { lookupPort: server.port });
      await cluster.agree(nodes);
      await writeInstance(nodes[0]!, 'kept');
    });

    await scenario('a rolling update replaces each node, twice with a surge and once without', async () => {
      const old = nodes;
      const fresh: NacosNode[] = [];
      // As Kubernetes does it: readiness, which does not look at Raft, is all that the next step waits for.
      for (const node of old.slice(0, 2)) {
        const replacement = await startNew();
        fresh.push(replacement);
        await patiently(`${replacement.port} is ready`, () => replacement.isReady(), 500);
        await stop(node);
      }
      await stop(old[2]!);
      fresh.push(await startNew());
      nodes = fresh;
      await cluster.agree(nodes);
      assert.deepEqual(await listOf(server), addressesOf(nodes));
      assert.equal((await viewOf(server)).epoch, 1);
      const events = await eventsOf(server);
      assert.equal(events.filter(({ type }) => type === 'left').length, 3);
      assert.deepEqual(cluster.harmIn(events, ['evicted']), []);
    });

    await scenario('what was written before the first replacement is on every new node', async () => {
      for (const node of nodes) {
        await patiently(`${node.port} has the data`, () => readInstance(node, 'kept'), 500);
      }
    });

    await scenario(
      'a leader that is killed and replaced by a new address leaves no phantom voter',
      async () => {
        const [killed, ...survivors] = mostLeadingFirst(nodes, await groupsOf(nodes));
        await killed.end('SIGKILL');
        const replacement = await startNew();
        await patiently(
          'the server says that it is down',
          async () =>
            (await viewOf(server)).members.find(({ address }) => address === killed.address)?.state ===
            'down',
          100,
        );
        nodes = [...survivors, replacement];
        await cluster.agree(nodes);
        assert.deepEqual(await listOf(server), addressesOf(nodes));
        const events = await eventsOf(server);
        const of = (type: string, node: NacosNode): number => {
          const event = events.find((one) => one.type === type && one.address === node.address);
          assert.ok(event, `${type} ${node.port}`);
          return Date.parse(event.time);
        };
        // On a slow machine it may poll for the first time when the dead one's time is over by itself.
        const isLate = of('admitted', replacement) - of('down', killed) > DEFAULT_RULES.evictAfter;
        assert.ok(isLate || of('admitted', replacement) < of('evicted', killed));
        assert.ok(of('evicted', killed) - of('down', killed) >= 25_000, 'not before the others could elect');
        assert.deepEqual(cluster.alarmsOf(server), [], 'the doctor has found nothing in all that');
      },
    );

    await scenario(
      'a leader that leaves and is gone before Raft can know: the registry finishes it',
      async () => {
        const [hasty, ...rest] = mostLeadingFirst(nodes, await groupsOf(nodes));
        await leave(server, hasty.address, '0s');
        await hasty.end('SIGKILL');
        nodes = rest;
        await cluster.agree(nodes);
        await unlocked(server);
        const events = await eventsOf(server);
        const left = events.findLast(({ type }) => type === 'left')!;
        const repaired = events.findLast(({ type }) => type === 'repaired');
        // Now and then the others hear of it only when they have a leader again, and do it themselves.
        if (repaired) {
          const took = (Date.parse(repaired.time) - Date.parse(left.time)) / 1_000;
          t.diagnostic(`finished by the registry, ${took.toFixed(1)} s after the leave`);
          assert.ok(
            events.some(({ type, reason }) => type === 'repairing' && reason.startsWith(hasty.address)),
            'of which the history tells',
          );
        }
        if (!repaired) t.diagnostic('finished by Nacos itself');
        assert.deepEqual(cluster.alarmsOf(server), []);
      },
    );
  },
);
