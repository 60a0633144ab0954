import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { ClusterHealth } from '../../src/doctor/health.js';
import type { RepairPlan } from '../../src/doctor/plan.js';
import { Believers, voter } from '../support/believers.js';
import { startServer, type TestServer } from '../support/server.js';

const path = '/api/v1/clusters/nacos/serverlist';
const OTHER = 'nacos-1.nacos:8848';

/** Three nodes, of which the second calls itself otherwise and votes by that name; the list's name for it votes never. */
async function begin(
  t: TestContext,
  name = OTHER,
): Promise<{ server: TestServer; nodes: Believers; b: string }> {
  const nodes = await Believers.start(t, 3);
  const server = await startServer(t);
  for (const self of nodes.addresses)
    await fetch(`${server.url}/nacos/serverlist?self=${self}&expect=3`, { method: 'POST' });
  const b = nodes.addresses[1]!;
  nodes.names.set(b, name);
  nodes.vote([...nodes.addresses.map(voter), voter(name)]);
  return { server, nodes, b };
}

async function look<T = ClusterHealth>({ url }: TestServer, what = 'health?fresh=true'): Promise<T> {
  return (await (await fetch(`${url}${path}/${what}`)).json()) as T;
}

describe('a node that calls itself otherwise than it is listed', () => {
  it('is found, with both names and the settings, and nothing is said of its votes', async (t) => {
    const { server, b } = await begin(t);
    const { state, findings } = await look(server);
    assert.equal(state, 'transient', 'not healthy');
    assert.deepEqual(
      findings.map(({ code, node }) => [code, node]),
      [['misnamed', b]],
    );
    const [{ sentence, advice }] = findings as [ClusterHealth['findings'][0]];
    assert.ok(sentence.startsWith(`${b} calls itself ${OTHER} and is listed as ${b}`), sentence);
    assert.match(
      advice,
      /nacos\.inetutils\.ip-address=127\.0\.0\.1,.*NACOS_SERVER_IP.*or self=nacos-1\.nacos:8848/,
    );
    server.time.pass(15_000);
    assert.equal((await look(server)).state, 'unhealthy');
  });

  it('is no evidence of Raft as a whole, so that rules go by time, until it is set right', async (t) => {
    const { server, nodes, b } = await begin(t);
    const entry = server.service.find('nacos/serverlist')!;
    await look(server);
    const isWhole = (): boolean => entry.evidence?.whole !== undefined;
    assert.equal(isWhole(), false);
    nodes.names.delete(b);
    nodes.vote(nodes.addresses.map(voter));
    assert.equal((await look(server)).state, 'healthy');
    assert.equal(isWhole(), true);
  });

  it('is one that leads, by its own name', async (t) => {
    const { server, nodes } = await begin(t);
    for (const belief of nodes.groups.values()) belief.leader = voter(OTHER);
    const { findings, nodes: read } = await look(server);
    assert.deepEqual(
      findings.map(({ code }) => code),
      ['misnamed'],
    );
    assert.deepEqual(
      read.map(({ leads }) => leads.length),
      [0, 3, 0],
    );
  });

  it('keeps its vote: there is no plan that would take it', async (t) => {
    const { server, nodes, b } = await begin(t);
    const [first, , third] = nodes.addresses.map(voter);
    nodes.vote([first!, third!, voter(OTHER), '127.9.9.9:7']);
    const plan = await look<RepairPlan>(server, 'repair');
    assert.deepEqual([plan.steps, plan.manualSteps], [[], []]);
    assert.ok(plan.refused?.startsWith(`${b} calls itself ${OTHER}, so a command`), plan.refused);
    nodes.vote([first!, third!, voter(OTHER)]);
    const none = await look<RepairPlan>(server, 'repair');
    assert.deepEqual([none.steps, none.manualSteps, none.refused], [[], [], undefined]);
  });

  it('is told of its port, and not of a name that is another member’s', async (t) => {
    const { server, nodes, b } = await begin(t, '127.0.0.1:1');
    const port = b.split(':')[1];
    const advice = (await look(server)).findings[0]?.advice ?? '';
    assert.ok(advice.startsWith(`On that node set server.port=${port} `), advice);
    nodes.names.set(b, nodes.addresses[0]!);
    nodes.vote([nodes.addresses[0]!, nodes.addresses[2]!].map(voter));
    const [finding] = (await look(server)).findings;
    assert.match(finding?.sentence ?? '', /, which is the name of another member, /);
    assert.doesNotMatch(finding?.advice ?? '', /self=/);
  });

  it('is not believed to have a name that is no address', async (t) => {
    const { server } = await begin(t, "x'; rm -rf /");
    assert.ok((await look(server)).findings.every(({ code }) => code !== 'misnamed'));
  });
});
