import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readConf } from '../../src/agent/member-list.js';
import type { ClusterView, MemberView } from '../../src/registry/view.js';
import { linesOf } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { startCli, startServerProcess, type CliProcess, type ServerProcess } from '../support/process.js';
import { tempFolder } from '../support/temp.js';

const FAKE_NACOS = fileURLToPath(new URL('../support/fake-nacos.js', import.meta.url));

/** One that nobody listens on now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** It reads no nodes: what asks a Nacos here is its agent alone. */
function startServer(t: TestContext, env: Record<string, string> = {}, port = 0): Promise<ServerProcess> {
  return startServerProcess(t, { file: join(tempFolder(t), 'r.db'), port, env, args: ['--no-raft-checks'] });
}

interface Node {
  readonly self: string;
  readonly port: number;
  readonly conf: string;
  readonly folder: string;
  readonly agent: CliProcess;
  /** What the agent logged, as sentences. */
  said(): string[];
  /** The addresses in its cluster.conf; undefined without one. */
  list(): readonly string[] | undefined;
}

interface NodeOptions {
  readonly servers: readonly string[];
  readonly port?: number;
  readonly folder?: string;
  readonly env?: Record<string, string>;
  /** Starts this with the agent around it; the word SELF stands for the port. */
  readonly command?: readonly string[];
}

async function startNode(t: TestContext, options: NodeOptions): Promise<Node> {
  const port = options.port ?? (await freePort());
  const folder = options.folder ?? join(tempFolder(t), 'conf');
  mkdirSync(folder, { recursive: true });
  const conf = join(folder, 'cluster.conf');
  const self = `127.0.0.1:${port}`;
  const env = {
    AGENT_SERVER: options.servers.join(','),
    AGENT_SELF: self,
    AGENT_CLUSTER_CONF: conf,
    FAKE_CONF: conf,
    ...options.env,
  };
  const command = options.command?.map((word) => word.replace('SELF', String(port))) ?? [];
  const agent = startCli(t, ['agent', ...(command.length > 0 ? ['--', ...command] : [])], { env });
  const said = (): string[] =>
    agent
      .stderr()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => (JSON.parse(line) as { msg: string }).msg);
  const list = (): readonly string[] | undefined => {
    if (!existsSync(conf)) return undefined;
    const read = readConf(readFileSync(conf, 'utf8'));
    assert.ok(read.ok);
    return read.value;
  };
  return { self, port, conf, folder, agent, said, list };
}

const nacos = (status = 0): string[] => [process.execPath, FAKE_NACOS, 'SELF', String(status)];

/** An agent around a stand-in for Nacos, which has been started. */
async function startAround(t: TestContext, options: NodeOptions): Promise<Node> {
  const node = await startNode(t, { command: nacos(), ...options });
  await eventually('Nacos listens', () => linesOf(node.agent).includes('listening'));
  return node;
}

async function memberOf(server: ServerProcess, { self }: Node): Promise<MemberView | undefined> {
  const answer = await fetch(`${server.url}/api/v1/clusters/nacos/serverlist`);
  return ((await answer.json()) as Partial<ClusterView>).members?.find(({ address }) => address === self);
}

/** Waits until every node has the list with exactly these. */
async function haveList(nodes: readonly Node[], members = nodes): Promise<void> {
  const wanted = members.map(({ self }) => self).sort();
  await eventually(`${nodes.length} nodes have the list of ${wanted.length}`, () =>
    nodes.every((node) => node.list()?.toSorted().join() === wanted.join()),
  );
}

const put = (server: ServerProcess, address: string, method = 'POST') =>
  fetch(`${server.url}/nacos/v1/as/nodes?ips=${address}`, { method });

/** A stand-in for Nacos that somebody else starts and stops. */
function startFakeNacos(t: TestContext, { port }: Node): { child: ChildProcess; stdout(): string } {
  const child = spawn(process.execPath, [FAKE_NACOS, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  return { child, stdout: () => out };
}

describe('agent around a command', { concurrency: 3 }, () => {
  it('starts it when the gate opens, with the list in cluster.conf', async (t) => {
    const server = await startServer(t);
    const env = { AGENT_EXPECT: '2' };
    const first = await startNode(t, { servers: [server.url], env, command: nacos() });
    await eventually('it waits', () => first.said().includes('waiting at the gate'));
    assert.equal(first.list(), undefined);
    assert.equal(linesOf(first.agent).length, 0, 'nothing was started');
    const second = await startNode(t, { servers: [server.url], env, command: nacos() });
    await haveList([first, second]);
    for (const { agent, self } of [first, second]) {
      await eventually('Nacos listens', () => linesOf(agent).includes('listening'));
      assert.ok(linesOf(agent)[0]?.includes(self), 'it found the list when it started');
    }
    await eventually('the server knows that both have it', async () => {
      const member = await memberOf(server, first);
      return member?.upToDate;
    });
  });

  it('passes SIGTERM on when it has left, and ends with the status', async (t) => {
    const server = await startServer(t);
    const env = { AGENT_EXPECT: '2' };
    const nodes = await Promise.all(
      [7, 0].map((status) => startAround(t, { servers: [server.url], env, command: nacos(status) })),
    );
    await haveList(nodes);
    const [leaving, other] = nodes as [Node, Node];
    leaving.agent.child.kill('SIGTERM');
    await eventually('it has left', () => !other.list()?.includes(leaving.self));
    assert.equal(await leaving.agent.exited, 7);
    const said = leaving.said();
    const left = said.findIndex((text) => /^left: .*every live member has the list/.test(text));
    assert.ok(left >= 0 && said[left + 1] === 'Nacos’s process ended with status 7', said.join('\n'));
    assert.ok(linesOf(leaving.agent).includes('SIGTERM'));
    assert.deepEqual(leaving.list()?.toSorted(), nodes.map(({ self }) => self).sort(), 'its own file stays');
    assert.deepEqual(other.list(), [other.self]);
  });

  it('passes other signals on at once, and stays', async (t) => {
    const server = await startServer(t);
    const { agent } = await startAround(t, { servers: [server.url] });
    for (const signal of ['SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const) {
      agent.child.kill(signal);
      await eventually(signal, () => linesOf(agent).includes(signal));
    }
    assert.equal(agent.child.exitCode, null);
  });

  it('waits for nobody at a second signal, nor without --leave', async (t) => {
    for (const env of [{ AGENT_LEAVE_WAIT: '60s' }, { AGENT_LEAVE: 'off' }]) {
      const server = await startServer(t);
      const node = await startAround(t, { servers: [server.url], env });
      // One that never takes anything up.
      await put(server, '127.0.0.1:9');
      const started = performance.now();
      node.agent.child.kill('SIGINT');
      if (!('AGENT_LEAVE' in env)) {
        // Sooner it would be the same one: a terminal sends Ctrl-C to all.
        await new Promise((resolve) => setTimeout(resolve, 700));
        node.agent.child.kill('SIGINT');
      }
      assert.equal(await node.agent.exited, 0);
      assert.ok(performance.now() - started < 50_000, 'it waits for 60 s');
      assert.equal((await memberOf(server, node)) !== undefined, 'AGENT_LEAVE' in env);
    }
  });

  it('ends as its command does, which the server learns at once', async (t) => {
    for (const [signal, status, how] of [
      ['SIGKILL', 137, 'its process was ended by SIGKILL'],
      ['SIGABRT', 134, 'its process was ended by SIGABRT'],
    ] as const) {
      const server = await startServer(t);
      const node = await startAround(t, { servers: [server.url] });
      const pid = JSON.parse(
        node.agent
          .stderr()
          .split('\n')
          .find((line) => line.includes('the gate is open')) ?? '{}',
      ) as { pid: number };
      process.kill(pid.pid, signal);
      assert.equal(await node.agent.exited, status);
      await eventually('it is down', async () => (await memberOf(server, node))?.state === 'down');
      const events = await fetch(`${server.url}/api/v1/clusters/nacos/serverlist/events`);
      assert.match(await events.text(), new RegExp(how));
    }
  });

  it('has a shell’s statuses for what cannot be started', async (t) => {
    for (const [command, status] of [
      ['/no/such/command', 127],
      [tempFolder(t), 126],
    ] as const) {
      const server = await startServer(t);
      const node = await startNode(t, { servers: [server.url], command: [command] });
      assert.equal(await node.agent.exited, status);
    }
  });

  it('gives up with a sentence when the gate does not open in time', async (t) => {
    const server = await startServer(t);
    const env = { AGENT_EXPECT: '3', AGENT_GATE_TIMEOUT: '4s' };
    const node = await startNode(t, { servers: [server.url], env, command: nacos() });
    assert.equal(await node.agent.exited, 75);
    assert.match(
      node.said().at(-1) ?? '',
      /^this node was not listed within 4 s, so its Nacos was not started: waiting at the gate: .*1 of 3/,
    );
    assert.equal(linesOf(node.agent).length, 0);
    assert.equal(node.list(), undefined);
  });

  it('leaves the gate when it is told to stop there', async (t) => {
    const server = await startServer(t);
    const node = await startNode(t, { servers: [server.url], env: { AGENT_EXPECT: '2' }, command: nacos() });
    await eventually('it waits', () => node.said().includes('waiting at the gate'));
    node.agent.child.kill('SIGTERM');
    assert.equal(await node.agent.exited, 0);
    const answer = await fetch(`${server.url}/api/v1/clusters/nacos/serverlist`);
    assert.ok(!(await answer.text()).includes(node.self));
  });

  it('is not renewed while its Nacos hangs, whose port still takes connections', async (t) => {
    const server = await startServer(t, { MEMBER_TTL: '5s', EVICT_AFTER: '30s' });
    const node = await startAround(t, { servers: [server.url] });
    const { pid } = JSON.parse(
      node.agent
        .stderr()
        .split('\n')
        .find((line) => line.includes('the gate is open')) ?? '{}',
    ) as { pid: number };
    t.after(() => {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
    });
    // Before, it would count as starting.
    await eventually('it has answered', () => linesOf(node.agent).includes('answered'));
    process.kill(pid, 'SIGSTOP');
    await eventually('it is silent', async () => (await memberOf(server, node))?.state === 'silent');
    assert.match(
      (await memberOf(server, node))?.problem ?? '',
      /^its port .* has not answered for \d+ s: no answer within 3 s$/,
    );
    process.kill(pid, 'SIGCONT');
    await eventually('it is back', async () => (await memberOf(server, node))?.state === 'live');
  });
});

describe('agent beside a Nacos', { concurrency: 3 }, () => {
  it('brings each change into cluster.conf, and takes back what others write', async (t) => {
    const server = await startServer(t);
    const node = await startNode(t, { servers: [server.url] });
    await haveList([node]);
    await put(server, '127.0.0.1:9');
    await eventually('it is there', () => node.list()?.length === 2);
    writeFileSync(node.conf, '127.0.0.1:1\n');
    await eventually('it is put right', () => node.list()?.join() === `${node.self},127.0.0.1:9`);
    await put(server, '127.0.0.1:9', 'DELETE');
    await eventually('it is gone', () => node.list()?.length === 1);
  });

  it('ends at SIGTERM without a leave: its Nacos goes on', async (t) => {
    const server = await startServer(t);
    const node = await startNode(t, { servers: [server.url] });
    await haveList([node]);
    node.agent.child.kill('SIGTERM');
    assert.equal(await node.agent.exited, 0);
    assert.equal((await memberOf(server, node))?.state, 'live');
    assert.deepEqual(readdirSync(node.folder).sort(), ['address-server.list', 'cluster.conf']);
  });

  it('is registered no more when it has left, until a Nacos starts again', async (t) => {
    const server = await startServer(t);
    const node = await startNode(t, { servers: [server.url] });
    await haveList([node]);
    const first = startFakeNacos(t, node);
    // Before, its end would be that of one that never started.
    await eventually('Nacos answers', () => first.stdout().includes('answered'));
    await put(server, '127.0.0.1:9');
    const left = await fetch(`${server.url}/nacos/serverlist?self=${node.self}`, { method: 'DELETE' });
    assert.equal(left.status, 200);
    await eventually('it knows', () => node.said().includes('this node has left'));
    assert.ok(node.list()?.includes(node.self), 'the file stays as it was');
    first.child.kill('SIGKILL');
    await eventually('its end is seen', () =>
      node.said().some((text) => text.startsWith('Nacos does not answer')),
    );
    assert.equal(await memberOf(server, node), undefined);
    startFakeNacos(t, node);
    const again = 'Nacos has started again after its leave; it is registered again';
    await eventually('it is registered', () => node.said().includes(again));
  });

  it('goes on with another server when one is gone', async (t) => {
    const folder = tempFolder(t);
    const port = await freePort();
    const gone = await freePort();
    const server = await startServerProcess(t, { file: join(folder, 'r.db'), port });
    const node = await startNode(t, { servers: [`127.0.0.1:${gone}`, server.url] });
    await haveList([node]);
    await put(server, '127.0.0.1:9');
    await eventually('it is there', () => node.list()?.length === 2);
  });

  it('starts with its last list while no server answers, and comes back when one does', async (t) => {
    const file = join(tempFolder(t), 'r.db');
    const port = await freePort();
    const server = await startServerProcess(t, { file, port });
    const env = { AGENT_EXPECT: '2' };
    const nodes = await Promise.all([0, 1].map(() => startAround(t, { servers: [server.url], env })));
    await haveList(nodes);
    server.child.kill('SIGKILL');
    await server.exited;
    const [a, b] = nodes as [Node, Node];
    a.agent.child.kill('SIGKILL');
    await a.agent.exited;
    // As the official image does at each start.
    rmSync(a.conf);
    const again = await startNode(t, {
      servers: [server.url],
      env,
      port: await freePort(),
      folder: a.folder,
    });
    await eventually('another node’s list is not used', () =>
      again.said().some((text) => text === 'no server answers, and there is no list to start with'),
    );
    again.agent.child.kill('SIGKILL');
    await again.agent.exited;
    const restarted = await startNode(t, { servers: [server.url], env, port: a.port, folder: a.folder });
    await haveList([restarted], nodes);
    await eventually('it says so', () =>
      restarted.said().includes('no server answers; started with the last list that was received'),
    );
    await startServerProcess(t, { file, port });
    await eventually('it is renewed', async () => (await memberOf(server, restarted))?.state === 'live');
    assert.deepEqual(b.list()?.toSorted(), nodes.map(({ self }) => self).sort());
  });

  it('uses the list that everybody gets when its token is not valid, if it is on it', async (t) => {
    const server = await startServer(t, { AUTH_TOKEN: 'right-token-0123456789' });
    const right = { AGENT_TOKEN: 'right-token-0123456789' };
    const wrong = { AGENT_TOKEN: 'wrong-token-0123456789' };
    const node = await startNode(t, { servers: [server.url], env: right });
    await haveList([node]);
    node.agent.child.kill('SIGTERM');
    await node.agent.exited;
    rmSync(node.conf);
    const again = await startNode(t, {
      servers: [server.url],
      env: wrong,
      port: node.port,
      folder: node.folder,
    });
    await haveList([again], [node]);
    const used = 'the list is used all the same; this node is on it';
    await eventually('it says so', () => again.said().includes(used));
    const stranger = await startNode(t, { servers: [server.url], env: wrong });
    await eventually('it is refused', () => stranger.said().includes('the server refuses this node'));
    assert.equal(stranger.list(), undefined);
    for (const { agent } of [again, stranger]) {
      assert.ok(!agent.stderr().includes('wrong-token'), 'the token is not in the log');
    }
  });

  it('reads its token file anew', async (t) => {
    const tokens = join(tempFolder(t), 'tokens');
    writeFileSync(tokens, 'first-token-0123456789\n');
    const server = await startServer(t, { AUTH_TOKEN_FILE: tokens, MEMBER_TTL: '5s', EVICT_AFTER: '30s' });
    const file = join(tempFolder(t), 'token');
    writeFileSync(file, '# of this node\nfirst-token-0123456789\n');
    const node = await startNode(t, { servers: [server.url], env: { AGENT_TOKEN_FILE: file } });
    await haveList([node]);
    writeFileSync(tokens, 'second-token-0123456789\n');
    await eventually('it is refused', () => node.said().includes('the server refuses this node'));
    writeFileSync(file, 'second-token-0123456789\n');
    await eventually('it is renewed', async () => (await memberOf(server, node))?.state === 'live');
  });

  it('tells probes how it stands', async (t) => {
    const server = await startServer(t);
    const port = await freePort();
    const ready = join(tempFolder(t), 'ready');
    writeFileSync(ready, 'of an earlier start');
    const env = { AGENT_EXPECT: '2', AGENT_LISTEN: `127.0.0.1:${port}`, AGENT_READY_FILE: ready };
    const node = await startNode(t, { servers: [server.url], env });
    const status = async (path: string): Promise<[number, string]> => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`);
      return [answer.status, await answer.text()];
    };
    await eventually('it waits', () => node.said().includes('waiting at the gate'));
    assert.equal(existsSync(ready), false);
    assert.equal((await status('/healthz'))[0], 200);
    for (const path of ['/readyz', '/settled']) {
      assert.match((await status(path)).join(' '), /^503 waiting at the gate: .*1 of 2/, path);
    }
    const other = await startNode(t, { servers: [server.url], env: { AGENT_EXPECT: '2' } });
    await haveList([node, other]);
    await eventually('the file is there', () => existsSync(ready));
    assert.deepEqual(await status('/readyz'), [200, 'the list is in cluster.conf\n']);
    await eventually(
      'it has settled',
      async () => (await status('/settled'))[1] === 'this node has settled\n',
    );
    server.child.kill('SIGKILL');
    await server.exited;
    assert.equal((await status('/settled'))[0], 200, 'it never falls back');
    assert.equal((await status('/other'))[0], 404);
  });

  it('leaves the file as it is when it is killed', async (t) => {
    const server = await startServer(t);
    for (let i = 0; i < 3; i++) {
      const node = await startNode(t, { servers: [server.url] });
      await haveList([node], [node]).catch(() => undefined);
      const changes: Promise<unknown>[] = [];
      const flapping = setInterval(() => {
        changes.push(put(server, '127.0.0.1:9').then(() => put(server, '127.0.0.1:9', 'DELETE')));
      }, 10);
      await new Promise((resolve) => setTimeout(resolve, 100 + i * 37));
      node.agent.child.kill('SIGKILL');
      clearInterval(flapping);
      await node.agent.exited;
      // None outlives the server.
      await Promise.all(changes);
      assert.ok(node.list()?.includes(node.self), 'it is whole');
      await fetch(`${server.url}/nacos/serverlist?self=${node.self}`, { method: 'DELETE' });
    }
  });
});

describe('agent whose cluster.conf is a folder', () => {
  it('says so once, however often it is told the list', async (t) => {
    const folder = join(tempFolder(t), 'conf');
    mkdirSync(join(folder, 'cluster.conf'), { recursive: true });
    let self = '';
    let told = 0;
    const server = createHttpServer((_, response) => {
      told++;
      response.writeHead(200, { 'content-type': 'text/plain', 'address-server-revision': '1' });
      response.end(`${self}\n`);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as { port: number };
    const node = await startNode(t, { servers: [`http://127.0.0.1:${port}`], folder });
    self = node.self;
    await eventually('it was told four times', () => told >= 4);
    const errors = node.agent
      .stderr()
      .split('\n')
      .filter((line) => line.includes('"level":50') || line.includes('"level":"error"'));
    assert.equal(errors.length, 1, errors.join('\n'));
    assert.match(
      errors[0]!,
      /is a folder: Docker creates one when a bind mount names a file that does not exist/,
    );
  });
});

describe('agent', { concurrency: 4 }, () => {
  for (const [what, env, sentence] of [
    [
      'no address',
      { AGENT_SELF: '' },
      /^nacos-address-server: AGENT_SELF or --self is missing; it is this node’s address/,
    ],
    ['auto', { AGENT_SELF: 'auto' }, /AGENT_SELF="auto" works only in a node’s own polls, .*give HOST:PORT/],
    ['a variable', { AGENT_SELF: '$(POD_IP):8848' }, /AGENT_SELF=.* holds \$\(POD_IP\) itself/],
    ['a wrong address', { AGENT_SELF: 'http://x' }, /AGENT_SELF="http:\/\/x" has a scheme/],
    ['a wrong server', { AGENT_SERVER: 'ftp://x' }, /AGENT_SERVER="ftp:\/\/x" is neither http/],
    ['no server', { AGENT_SERVER: ' , ' }, /AGENT_SERVER=" , " names no server/],
    [
      'a wrong cluster',
      { AGENT_CLUSTER: 'nacos' },
      /AGENT_CLUSTER="nacos" is not of the form product\/cluster/,
    ],
    ['a wrong number', { AGENT_EXPECT: '0' }, /AGENT_EXPECT="0" is not a whole number from 1 to 99/],
    [
      'a wrong time',
      { AGENT_GATE_TIMEOUT: 'soon' },
      /AGENT_GATE_TIMEOUT="soon" is not a duration from 1s to 24h/,
    ],
    [
      'a wrong port',
      { AGENT_LISTEN: '0.0.0.0:99999' },
      /AGENT_LISTEN="0.0.0.0:99999" has the port 99999, outside/,
    ],
    [
      'two tokens',
      { AGENT_TOKEN: 'a'.repeat(20), AGENT_TOKEN_FILE: 'x' },
      /are both given; give one of them/,
    ],
    ['a wrong token', { AGENT_TOKEN: 'has blanks' }, /AGENT_TOKEN holds a character that no token has/],
    [
      'no token at all',
      { AGENT_TOKEN: 'change-me' },
      /AGENT_TOKEN holds the placeholder of an example, change-me/,
    ],
  ] as const) {
    it(`does not start with ${what}`, async (t) => {
      const cli = startCli(t, ['agent'], { env: { AGENT_SELF: '127.0.0.1:8848', ...env } });
      assert.equal(await cli.exited, 78);
      assert.match(cli.stderr(), sentence);
      assert.equal(cli.stdout(), '');
    });
  }

  it('names a flag that is wrong as a flag, and a port that is taken', async (t) => {
    const cli = startCli(t, ['agent', '--self', '127.0.0.1:8848', '--leave', 'maybe']);
    assert.equal(await cli.exited, 78);
    assert.match(cli.stderr(), /--leave="maybe" is neither on nor off/);
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    t.after(() => taken.close());
    const { port } = taken.address() as { port: number };
    const busy = startCli(t, ['agent', '--self', '127.0.0.1:8848', '--listen', `127.0.0.1:${port}`]);
    assert.equal(await busy.exited, 75, 'the agent that has it may be stopping');
    assert.match(busy.stderr(), /AGENT_LISTEN cannot be used \(127\.0\.0\.1, port \d+\): EADDRINUSE/);
  });
});
