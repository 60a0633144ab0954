import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Agent, AGENT_TIMES } from '../../src/agent/agent.js';
import { ConfFile } from '../../src/agent/conf-file.js';
import { NacosHealth } from '../../src/agent/health.js';
import { LastList } from '../../src/agent/last-list.js';
import { readConf } from '../../src/agent/member-list.js';
import { RegistryClient } from '../../src/agent/registry-client.js';
import { eventually } from '../support/eventually.js';
import { recordingLog } from '../support/log.js';
import { tempFolder } from '../support/temp.js';

interface Peer {
  readonly address: string;
  close(): Promise<void>;
}

/** Something that answers as a Nacos does, by HTTP with anything; or a registry: status, revision and text. */
async function peer(
  t: TestContext,
  answer: (url: string) => [status: number, revision: string, text: string] = () => [200, '0', 'UP'],
): Promise<Peer> {
  const server = createServer((request, response) => {
    const [status, revision, text] = answer(request.url ?? '');
    response.statusCode = status;
    response.setHeader('content-type', 'text/plain');
    response.setHeader('address-server-revision', revision);
    response.end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close().closeAllConnections();
    await closed;
  };
  t.after(close);
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

interface Scene {
  readonly self: Peer;
  readonly others: readonly Peer[];
  /** What the registry sends. */
  say(revision: number, ...addresses: string[]): void;
  /** The `revision` that it heard last. */
  has(): string | undefined;
  list(): string;
  said(): string[];
  readonly agent: Agent;
  start(): Promise<void>;
  readonly folder: string;
}

async function scene(
  t: TestContext,
  others: number,
  holdBack = true,
  folder = tempFolder(t),
): Promise<Scene> {
  const self = await peer(t);
  const all = await Promise.all(Array.from({ length: others }, () => peer(t)));
  let sent: [number, string, string] = [503, '0', 'not yet'];
  let has: string | undefined;
  const registry = await peer(t, (url) => {
    const query = new URL(url, 'http://x').searchParams;
    if (query.has('revision')) has = query.get('revision') ?? undefined;
    return sent;
  });
  const { log, lines } = recordingLog();
  const file = join(folder, 'cluster.conf');
  const conf = new ConfFile(file, 'nacos/serverlist', log);
  const lastList = new LastList(join(folder, 'last'), 'nacos/serverlist', self.address);
  const client = new RegistryClient({
    servers: [new URL(`http://${registry.address}/`)],
    cluster: 'nacos/serverlist',
    self: self.address,
    token: () => undefined,
  });
  const health = new NacosHealth(
    self.address,
    { every: 200, patience: 3_000, start: 60_000 },
    () => undefined,
  );
  const times = { ...AGENT_TIMES, wait: 200, pause: 100, lastListAfter: 60_000 };
  const agent = new Agent({ client, conf, lastList, health, log, times, holdBack });
  t.after(() => agent.stop());
  return {
    self,
    others: all,
    say: (revision, ...addresses) => {
      sent = [200, String(revision), addresses.map((address) => `${address}\n`).join('')];
    },
    has: () => has,
    list: () => {
      const read = readConf(readFileSync(file, 'utf8'));
      return read.ok ? read.value.join(' ') : read.problem;
    },
    said: () => lines().map(({ msg, reason }) => `${String(msg)}: ${String(reason)}`),
    agent,
    start: () => agent.start(),
    folder,
  };
}

const held = (all: Scene, what: RegExp): Promise<unknown> =>
  eventually('it says that it holds a list back', () => all.said().some((text) => what.test(text)), 60_000);

/** A cluster of `n` with revision 57 in its file. */
async function running(t: TestContext, n: number, holdBack = true): Promise<Scene> {
  const all = await scene(t, n - 1, holdBack);
  all.say(57, all.self.address, ...all.others.map(({ address }) => address));
  await all.start();
  await eventually('the list is there', () => all.has() === '57', 60_000);
  return all;
}

describe('an agent', { concurrency: 3 }, () => {
  it('holds back a list of itself alone while the others answer, says so, and takes it when they do not', async (t) => {
    const all = await running(t, 3);
    const before = all.list();
    all.say(58, all.self.address);
    await held(all, /the list is held back: revision 58 drops 2 of the 3 .*answer/);
    assert.equal(all.list(), before);
    assert.equal(all.has(), '57', 'the registry hears what its Nacos has');
    assert.match(all.agent.reason, /held back/);
    for (const { close } of all.others) await close();
    await eventually('it is taken', () => all.list() === all.self.address, 60_000);
    await eventually('it is said', () => all.has() === '58', 60_000);
    assert.equal(all.agent.reason, '');
  });

  it('holds back a list that goes back in revision and drops one that answers', async (t) => {
    const all = await running(t, 3);
    const before = all.list();
    const [b, c] = all.others.map(({ address }) => address);
    all.say(1, all.self.address, b ?? '');
    await held(all, /held back: revision 1 is older than 57.*drops 1 of the 3/);
    assert.equal(all.list(), before);
    // The registry has found its list again.
    all.say(58, all.self.address, c ?? '', b ?? '');
    await eventually('it goes on', () => all.has() === '58', 60_000);
  });

  it('takes the same members at a lower revision, a single leave, and whoever joins', async (t) => {
    const all = await running(t, 3);
    const [b = '', c = ''] = all.others.map(({ address }) => address);
    all.say(1, all.self.address, b, c);
    await eventually('the same', () => all.has() === '1', 60_000);
    all.say(2, all.self.address, b);
    await eventually('one left', () => all.has() === '2', 60_000);
    all.say(3, all.self.address, b, c);
    await eventually('one came', () => all.has() === '3', 60_000);
    assert.ok(!all.said().some((text) => text.includes('held back')));
  });

  it('compares with the list on its disk when it starts anew, and starts with that one', async (t) => {
    const all = await running(t, 3);
    await eventually('it is kept', () => existsSync(join(all.folder, 'last')), 60_000);
    await all.agent.stop();
    const kept = readFileSync(join(all.folder, 'last'), 'utf8');
    const anew = await scene(t, 0, true);
    // The same node, started again, and the others still answer.
    writeFileSync(join(anew.folder, 'last'), kept.replaceAll(all.self.address, anew.self.address));
    anew.say(1, anew.self.address);
    await anew.start();
    await held(anew, /held back: revision 1 is older than 57/);
    assert.equal(await anew.agent.gate, 'disk');
    assert.deepEqual(
      new Set(anew.list().split(' ')),
      new Set([anew.self.address, ...all.others.map(({ address }) => address)]),
    );
  });

  it('does not start with a last list that may be out of date: it waits, and says why', async (t) => {
    const all = await running(t, 3);
    await eventually('it is kept', () => existsSync(join(all.folder, 'last')), 60_000);
    await all.agent.stop();
    const kept = readFileSync(join(all.folder, 'last'), 'utf8');
    const anew = await scene(t, 1, true);
    writeFileSync(join(anew.folder, 'last'), kept.replaceAll(all.self.address, anew.self.address));
    anew.say(90, anew.self.address, anew.others[0]?.address ?? '');
    await anew.start();
    await held(anew, /held back: revision 90 drops 2 of the 3/);
    assert.equal(anew.agent.source, undefined);
    for (const { close } of all.others) await close();
    assert.equal(await anew.agent.gate, 'registry');
  });

  it('takes any list when it is told to', async (t) => {
    const all = await running(t, 3, false);
    all.say(1, all.self.address);
    await eventually('it is taken', () => all.list() === all.self.address, 60_000);
  });
});
