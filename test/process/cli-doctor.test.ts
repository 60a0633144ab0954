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

/** Whom a node is asked to remove, for a proof that its group has a leader; and what it says when there is none. */
const NOBODY = '127.0.0.1:1';
const NO_LEADER = {
  status: 200,
  body: JSON.stringify({ code: 500, message: 'Fail to get leader of group naming, Unknown leader' }),
};

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
      /^nacos\/serverlist: every node agrees with the registry’s list, and every Raft group has a leader/,
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
    assert.deepEqual([state, findings[0]?.persistent], ['transient', false], 'it was only just seen');
    const text = await doctor(t, server);
    assert.match(
      text.out,
      new RegExp(
        `^list-differs \\(for \\d+ s, which may be normal\\): ${nodes[0]} has other members .*: it lacks ${nodes[1]}\\.$`,
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
      /cannot be read: it answers 403: its API requires a login/,
      /cannot be read: its answer is not JSON/,
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
      [closed.status, /403: its API requires a login \(NACOS_IDENTITY\)/.test(closed.out)],
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
      [[], /unknown: no address was ever listed/],
      [['--wait', 'soon'], /--wait="soon" is not a duration up to 10m/],
      [['--yes'], /--yes belongs to --repair/],
      [['--dry-run'], /--dry-run belongs to --repair/],
      [['--repair', '--survivor', 'x y'], /answers 400: survivor="x y"/],
      [['nacos'], /is not of the form product\/cluster/],
    ] as const) {
      const { status, err } = await runCli(t, ['doctor', '--server', server.url, ...args]);
      assert.equal(status, 1);
      assert.match(err, sentence);
    }
  });

  it('does not call well what it may not read', async (t) => {
    const { server } = await startWith(t, ['--no-raft-checks'], (self) => ({
      status: 200,
      body: alone(self),
    }));
    const { status, err } = await doctor(t, server);
    assert.equal(status, 1);
    assert.match(err, /was not read: this server does not read the nodes \(RAFT_CHECKS=off\)/);
  });
});

describe('doctor --repair', { concurrency: 2 }, () => {
  /** A node with a group of which a phantom is a voter, until it is told to remove it. */
  const withPhantom = (answers: { command: number; obeys: boolean }): { answer: Answer; said: unknown[] } => {
    const said: unknown[] = [];
    let voters: string[] | undefined;
    const answer: Answer = (self, path, _headers, body) => {
      const own = self.replace(/\d+$/, (port) => String(Number(port) - 1_000));
      voters ??= [own, '127.9.9.9:7', '127.9.9.8:7'];
      if (path === '/nacos/v1/core/ops/raft') {
        const command = JSON.parse(body) as { value: string };
        if (command.value === NOBODY) return NO_LEADER;
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
    assert.ok(out.includes(`resetPeers ${own}, sent to ${nodes[0]}`), out);
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

  /** Two nodes of which the first leads two groups with a phantom each; `then` may change what they show. */
  const twoLed = (
    then: (led: Map<string, { leader: string; voters: string[] }>, said: unknown[]) => void,
  ) => {
    const led = new Map<string, { leader: string; voters: string[] }>();
    const said: { groupId: string; value: string }[] = [];
    const nodes: string[] = [];
    const raft = (self: string): string => self.replace(/\d+$/, (port) => String(Number(port) - 1_000));
    const answer: Answer = (self, path, _headers, body) => {
      if (!nodes.includes(self)) nodes.push(self);
      if (nodes.length === 2 && led.size === 0) {
        const voters = [...nodes.map(raft), '127.9.9.9:7'];
        for (const group of ['one', 'two']) led.set(group, { leader: voters[0]!, voters });
      }
      if (path === '/nacos/v1/core/ops/raft') {
        const command = JSON.parse(body) as { groupId: string; value: string };
        if (command.value === NOBODY) return NO_LEADER;
        said.push(command);
        const group = led.get(command.groupId)!;
        led.set(command.groupId, {
          ...group,
          voters: group.voters.filter((voter) => voter !== command.value),
        });
        then(led, said);
        return { status: 200, body: JSON.stringify({ code: 200 }) };
      }
      const metaDataMap = Object.fromEntries(
        [...led].map(([name, { leader, voters }]) => [name, { leader, term: 1, raftGroupMember: voters }]),
      );
      const extendInfo = { version: '2.5.1', raftMetaData: { metaDataMap } };
      const data = nodes.map((address) => ({ address, extendInfo }));
      return { status: 200, body: JSON.stringify({ data }) };
    };
    return { answer, said };
  };

  const repair = (t: TestContext, { url }: ServerProcess): Promise<Ran> =>
    runCli(t, ['doctor', '--repair', '--yes', '--server', url]);

  it('goes through its steps, tells each, and says that all is well', async (t) => {
    const { answer, said } = twoLed(() => undefined);
    const { server } = await start(t, answer, answer);
    await doctor(t, server);
    const ran = await repair(t, server);
    assert.deepEqual([ran.status, ran.err, said.length], [0, '', 2]);
    const told = ran.out.split('\n').filter((line) => line.startsWith('repair'));
    assert.deepEqual(
      told.map((line) => line.split(':', 1)[0]),
      ['repairing', 'repair-step', 'repair-step', 'repaired'],
    );
    assert.match(ran.out, /every node agrees with the registry’s list/);
  });

  it('stops when a leader is lost between the plan and its step', async (t) => {
    const { answer, said } = twoLed((led) => {
      led.set('two', { ...led.get('two')!, leader: '127.9.9.9:7' });
    });
    const { server } = await start(t, answer, answer);
    await doctor(t, server);
    const ran = await repair(t, server);
    assert.deepEqual([ran.status, said.length], [3, 1]);
    assert.match(
      ran.out,
      /^repair-stopped: after 1 of 2 steps: group two has lost its leader since the plan was made\. Nothing more was done/m,
    );
  });

  it('stops when the list changes meanwhile', async (t) => {
    let leave = (): void => undefined;
    const { answer, said } = twoLed(() => leave());
    const { server, nodes } = await start(t, answer, answer);
    await doctor(t, server);
    // A node's own word is never held up.
    leave = () => void fetch(`${server.url}/nacos/serverlist?self=${nodes[1]}`, { method: 'DELETE' });
    const ran = await repair(t, server);
    assert.equal(ran.status, 3);
    assert.ok(said.length <= 2);
    assert.match(ran.out, /^repair-stopped: .*the list has changed, from revision 1 to 2/m);
  });

  it('carries out only the plan that was looked at', async (t) => {
    const { answer, said } = twoLed(() => undefined);
    const { server } = await start(t, answer, answer);
    await doctor(t, server);
    const path = `${server.url}/api/v1/clusters/nacos/serverlist/repair`;
    const refused = await fetch(`${path}?plan=0123456789ab`, { method: 'POST' });
    assert.deepEqual([refused.status, said.length], [409, 0]);
    assert.match(await refused.text(), /has changed since you looked .*: look again/);
  });
});
