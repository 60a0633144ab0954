import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import type { ClusterHealth } from '../../src/doctor/health.js';
import { runCli, type Ran } from '../support/cli.js';
import { startServerProcess, type ServerProcess } from '../support/process.js';
import { tempFolder } from '../support/temp.js';

/** What a node answers; it gets its own address. */
type Answer = (
  self: string,
  path: string,
  headers: Readonly<Record<string, unknown>>,
  body: string,
) => { status: number; body: string };

async function startNode(t: TestContext, answer: Answer): Promise<string> {
  const server = createServer((request, response) => {
    void text(request).then((sent) => {
      const { status, body } = answer(self, request.url ?? '', request.headers, sent);
      response.writeHead(status).end(body);
    });
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
  return startWith(t, [], ...answers);
}

async function startWith(
  t: TestContext,
  args: readonly string[],
  ...answers: readonly Answer[]
): Promise<{ server: ServerProcess; nodes: string[] }> {
  const server = await startServerProcess(t, { file: join(tempFolder(t), 'r.db'), args });
  const nodes: string[] = [];
  for (const answer of answers) nodes.push(await startNode(t, answer));
  if (nodes.length > 0) {
    const put = await fetch(`${server.url}/nacos/v1/as/nodes?ips=${nodes.join()}`, { method: 'POST' });
    assert.equal(put.status, 200);
  }
  return { server, nodes };
}

const doctor = (t: TestContext, { url }: ServerProcess, args: readonly string[] = []): Promise<Ran> =>
  runCli(t, ['doctor', '--wait', '0s', '--server', url, ...args]);

describe('doctor', { concurrency: 2 }, () => {
  it('says that all is well, with status 0', async (t) => {
    const { server } = await start(t, (self) => ({ status: 200, body: alone(self) }));
    const ran = await doctor(t, server);
    assert.deepEqual([ran.status, ran.err], [0, '']);
    assert.match(
      ran.out,
      /^nacos\/serverlist: every node believes what the registry lists, and every Raft group has a leader/,
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
    const { state, findings } = JSON.parse(ran.out) as ClusterHealth;
    assert.deepEqual(findings.map(({ code }) => code).sort(), ['list-differs', 'list-differs', 'split']);
    assert.deepEqual([state, findings[0]?.lasting], ['settling', false], 'it was only just seen');
    const text = await doctor(t, server);
    assert.match(
      text.out,
      new RegExp(
        `^list-differs \\(for \\d+ s, which may be normal\\): ${nodes[0]} believes in other members .*: it lacks ${nodes[1]}\\.$`,
        'm',
      ),
    );
    assert.match(text.out, /^split \(for .*\): .* neither has the other as a voter/m);
  });

  it('says of each node why it cannot be read', async (t) => {
    const { server } = await start(
      t,
      () => ({ status: 403, body: '{}' }),
      () => ({ status: 200, body: '<html>' }),
      () => ({ status: 200, body: '{"data":{"\u001b[2J":1}}' }),
      () => ({ status: 200, body: '' }),
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
      /^cannot tell: no node can be read, so nothing can be judged/m,
    ]) {
      assert.match(out, reason);
    }
    assert.ok(!out.includes('\u001b'));
  });

  it('finds 3.x at its own path, and shows who it is when Nacos wants to know', async (t) => {
    const answer: Answer = (self, path, headers) => {
      if (path.startsWith('/nacos/v1/')) return { status: 410, body: '' };
      return headers['x-nacos'] === 'secret word'
        ? { status: 200, body: alone(self) }
        : { status: 403, body: '' };
    };
    const without = await start(t, answer);
    const closed = await doctor(t, without.server);
    assert.deepEqual(
      [closed.status, /403: its API wants a login \(NACOS_IDENTITY\)/.test(closed.out)],
      [2, true],
    );
    const guard = ['--allowed-members', '127.0.0.0/8', '--nacos-identity', 'x-nacos:secret word'];
    const { server } = await startWith(t, guard, answer);
    const ran = await doctor(t, server);
    assert.deepEqual([ran.status, ran.err], [0, '']);
    assert.ok(!server.stdout().includes('secret'));
  });

  it('looks again before it says that something is wrong', async (t) => {
    let looks = 0;
    const { server } = await start(t, (self) => {
      looks++;
      return looks <= 2 ? { status: 503, body: '' } : { status: 200, body: alone(self) };
    });
    const ran = await runCli(t, ['doctor', '--wait', '10s', '--server', server.url]);
    assert.equal(ran.status, 0);
    assert.ok(looks > 1);
  });

  it('has status 1 when there is nothing to ask, or what is asked is wrong', async (t) => {
    const { server } = await start(t);
    for (const [args, sentence] of [
      [[], /unknown: nobody was ever listed/],
      [['--wait', 'soon'], /--wait="soon" is no time up to 10m/],
      [['--yes'], /--yes belongs to --repair/],
      [['--dry-run'], /--dry-run belongs to --repair/],
      [['--repair', '--survivor', 'x y'], /says 400: survivor="x y"/],
      [['nacos'], /is not of the form product\/cluster/],
    ] as const) {
      const { status, err } = await runCli(t, ['doctor', '--server', server.url, ...args]);
      assert.equal(status, 1);
      assert.match(err, sentence);
    }
  });

  it('does not call well what it may not read', async (t) => {
    const { server } = await startWith(t, ['--no-examine'], (self) => ({ status: 200, body: alone(self) }));
    const { status, err } = await doctor(t, server);
    assert.equal(status, 1);
    assert.match(err, /was not read: this server does not read the nodes \(EXAMINE=off\)/);
  });
});

describe('doctor --repair', { concurrency: 2 }, () => {
  /** A node with a group of which a phantom is a voter, until it is told to remove it. */
  const withPhantom = (answers: { command: number; obeys: boolean }): { answer: Answer; said: unknown[] } => {
    const said: unknown[] = [];
    let voters: string[] | undefined;
    const answer: Answer = (self, path, _headers, body) => {
      const own = self.replace(/\d+$/, (port) => String(Number(port) - 1_000));
      voters ??= [own, '10.9.9.9:7848', '127.0.0.1:1'];
      if (path === '/nacos/v1/core/ops/raft') {
        const command = JSON.parse(body) as { value: string };
        said.push(command);
        if (answers.obeys) voters = voters.filter((voter) => voter !== command.value);
        return {
          status: 200,
          body: JSON.stringify({ code: answers.command, message: 'so it says', data: null }),
        };
      }
      const group = { leader: own, term: 1, raftGroupMember: voters };
      const extendInfo = { version: '2.5.1', raftMetaData: { metaDataMap: { naming: group } } };
      return { status: 200, body: JSON.stringify({ data: [{ address: self, extendInfo }] }) };
    };
    return { answer, said };
  };

  it('has no majority to speak of, and resets: the plan, what may be lost, and nothing done without a yes', async (t) => {
    const { answer, said } = withPhantom({ command: 200, obeys: true });
    const { server, nodes } = await start(t, answer);
    const own = nodes[0]?.replace(/\d+$/, (port) => String(Number(port) - 1_000));
    const { status, out, err } = await runCli(t, ['doctor', '--repair', '--server', server.url]);
    assert.deepEqual([status, err, said], [2, '', []]);
    assert.match(out, /^To repair nacos\/serverlist, in this order:$/m);
    assert.ok(out.includes(`resetPeers ${own}, said to ${nodes[0]}`), out);
    assert.match(out, /^What may be lost:$/m);
    assert.match(out, /^Nothing was done/m);
  });

  it('stops at the first surprise, says so in the history, and has status 3', async (t) => {
    const { answer, said } = withPhantom({ command: 500, obeys: false });
    const { server } = await start(t, answer);
    const ran = await runCli(t, ['doctor', '--repair', '--yes', '--server', server.url]);
    assert.deepEqual([ran.status, ran.err, said.length], [3, '', 1]);
    assert.match(
      ran.out,
      /^repair-stopped: after 0 of 1 steps: .* did not take resetPeers .*: it answers code 500: so it says/m,
    );
    const again = await runCli(t, ['doctor', '--repair', '--yes', '--server', server.url]);
    assert.deepEqual([again.status, said.length], [3, 2], 'the lock is free');
  });
});
