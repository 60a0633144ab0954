import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Diagnosis } from '../../src/doctor/findings.js';
import { runCli, type Ran } from '../support/cli.js';
import { startServerProcess, type ServerProcess } from '../support/process.js';
import { tempFolder } from '../support/temp.js';

/** What a node answers; it gets its own address. */
type Answer = (
  self: string,
  path: string,
  headers: Readonly<Record<string, unknown>>,
) => { status: number; body: string };

async function startNode(t: TestContext, answer: Answer): Promise<string> {
  const server = createServer((request, response) => {
    const { status, body } = answer(self, request.url ?? '', request.headers);
    response.writeHead(status).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const self = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return self;
}

/** As 2.5.1 answers: a member of itself, alone, and the leader of one group. */
const alone = (self: string): string => {
  const voter = self.replace(/\d+$/, (port) => String(Number(port) - 1_000));
  const group = { leader: voter, term: 1, raftGroupMember: [voter] };
  const extendInfo = { version: '2.5.1', raftMetaData: { metaDataMap: { naming: group } } };
  return JSON.stringify({ code: 200, data: [{ address: self, state: 'UP', extendInfo }] });
};

async function start(
  t: TestContext,
  ...answers: readonly Answer[]
): Promise<{ server: ServerProcess; nodes: string[] }> {
  const server = await startServerProcess(t, { file: join(tempFolder(t), 'r.db') });
  const nodes: string[] = [];
  for (const answer of answers) nodes.push(await startNode(t, answer));
  if (nodes.length > 0) {
    const put = await fetch(`${server.url}/nacos/v1/as/nodes?ips=${nodes.join()}`, { method: 'POST' });
    assert.equal(put.status, 200);
  }
  return { server, nodes };
}

const doctor = (
  t: TestContext,
  { url }: ServerProcess,
  args: readonly string[] = [],
  env = {},
): Promise<Ran> => runCli(t, ['doctor', '--again', '0s', '--server', url, ...args], env);

describe('doctor', { concurrency: 2 }, () => {
  it('says that all is well, with status 0', async (t) => {
    const { server } = await start(t, (self) => ({ status: 200, body: alone(self) }));
    const ran = await doctor(t, server);
    assert.deepEqual([ran.status, ran.err], [0, '']);
    assert.match(
      ran.out,
      /^nacos\/serverlist: the nodes believe what the registry lists, and every Raft group has a leader/,
    );
  });

  it('names what is wrong and what to do, with status 2', async (t) => {
    const { server, nodes } = await start(
      t,
      (self) => ({ status: 200, body: alone(self) }),
      (self) => ({ status: 200, body: alone(self) }),
    );
    const ran = await doctor(t, server, ['--json']);
    assert.equal(ran.status, 2);
    const { findings } = JSON.parse(ran.out) as Diagnosis;
    assert.deepEqual(findings.map(({ code }) => code).sort(), [
      'list-differs',
      'list-differs',
      'no-voter',
      'split',
    ]);
    const text = await doctor(t, server);
    assert.match(
      text.out,
      new RegExp(`^list-differs: ${nodes[0]} believes in other members .*: it lacks ${nodes[1]}\\.$`, 'm'),
    );
    assert.match(text.out, /^split: .* neither has the other as a voter/m);
  });

  it('says of each node why it cannot be read', async (t) => {
    const { server } = await start(
      t,
      () => ({ status: 403, body: '{}' }),
      () => ({ status: 200, body: '<html>' }),
      () => ({ status: 200, body: '{"data":[]}\u001b[2J' }),
      () => ({ status: 404, body: '' }),
      () => ({ status: 500, body: '' }),
    );
    const { status, out } = await doctor(t, server);
    assert.equal(status, 2);
    for (const reason of [
      /cannot be read: it answers 403: its API wants a login/,
      /cannot be read: its answer is no JSON/,
      /cannot be read: it answers 404/,
      /cannot be read: it answers 500/,
      /^cannot tell: no node shows its Raft groups/m,
    ]) {
      assert.match(out, reason);
    }
    assert.ok(!out.includes('\u001b'));
  });

  it('finds 3.x at its own path, and shows who it is when Nacos wants to know', async (t) => {
    const { server } = await start(t, (self, path, headers) => {
      if (path.startsWith('/nacos/v1/')) return { status: 410, body: '' };
      return headers['x-nacos'] === 'secret word'
        ? { status: 200, body: alone(self) }
        : { status: 403, body: '' };
    });
    assert.equal((await doctor(t, server)).status, 2);
    const ran = await doctor(t, server, [], { NACOS_IDENTITY: 'x-nacos:secret word' });
    assert.deepEqual([ran.status, ran.err], [0, '']);
    const wrong = await doctor(t, server, [], { NACOS_IDENTITY: 'a secret without a key' });
    assert.deepEqual([wrong.status, wrong.err.includes('secret')], [1, false]);
  });

  it('looks again before it says that something is wrong', async (t) => {
    let looks = 0;
    const { server } = await start(t, (self) => {
      looks++;
      return looks === 1 ? { status: 503, body: '' } : { status: 200, body: alone(self) };
    });
    const ran = await runCli(t, ['doctor', '--again', '200ms', '--server', server.url]);
    assert.deepEqual([ran.status, looks], [0, 2]);
  });

  it('has status 1 when there is nothing to ask, or what is asked is wrong', async (t) => {
    const { server } = await start(t);
    for (const [args, sentence] of [
      [[], /unknown: nobody was ever listed/],
      [['--raft-offset', 'x'], /--raft-offset="x" is no number of ports/],
      [['--again', 'soon'], /--again="soon" is no time up to 10m/],
      [['nacos'], /is not of the form product\/cluster/],
    ] as const) {
      const { status, err } = await runCli(t, ['doctor', '--server', server.url, ...args]);
      assert.equal(status, 1);
      assert.match(err, sentence);
    }
  });
});
