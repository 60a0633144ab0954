import assert from 'node:assert/strict';
import type { ServerProcess } from '../support/process.js';
import { groupsOf, mostLeadingFirst } from './beliefs.js';
import { examine, repair } from './doctor.js';
import type { NacosNode } from './node.js';
import { writeInstance } from './persistent-data.js';
import { nacosTest } from './suite.js';
import { allLed, haveInstance, register, startWithList, takePorts, writeLists } from './unsafe-lists.js';

nacosTest('a phantom voter (injury 4)', { can: ['raft views'] }, async (cluster, scenario, t) => {
  let server: ServerProcess;
  let nodes: NacosNode[] = [];
  let phantom = '';

  await scenario('three nodes have data', async () => {
    server = await cluster.startServer();
    const ports = await takePorts(cluster, 3);
    nodes = await startWithList(
      cluster,
      ports,
      ports.map((port) => `127.0.0.1:${port}`),
    );
    await cluster.agree(nodes);
    await allLed(nodes);
    await writeInstance(nodes[0]!, 'before');
    await haveInstance(nodes, 'before');
  });

  await scenario('a killed leader that leaves the lists before the next election stays a voter', async () => {
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
    // Our server never knew it, so it is nobody's to remove but an operator's.
    await register(server, others);

    const { findings, status } = await examine(t, server);
    assert.deepEqual([status, findings.map(({ code }) => code)], [2, ['phantom-voter']]);
    const [{ groups = [], sentence }] = findings as [(typeof findings)[0]];
    assert.ok(sentence.includes(phantom), sentence);
    const having = [...(await groupsOf(others))].filter(([, { voters }]) => voters.includes(phantom));
    assert.deepEqual([...groups].sort(), having.map(([name]) => name).sort());
    for (const name of led) assert.ok(groups.includes(name), `${phantom} led ${name}`);
  });

  await scenario('the doctor’s repair removes the phantom, and the data is still there', async () => {
    const { status, plan, events, health } = await repair(t, server, '--yes');
    assert.deepEqual([status, events.at(-1)?.type, health?.findings], [0, 'repaired', []]);
    for (const { command, value } of plan.steps) assert.deepEqual([command, value], ['removePeer', phantom]);
    await haveInstance(nodes, 'before');
    await writeInstance(nodes[1]!, 'after');
    await haveInstance(nodes, 'after');
  });
});
