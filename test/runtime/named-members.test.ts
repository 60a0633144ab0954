import assert from 'node:assert/strict';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Names } from '../../src/probe/names.js';
import { TcpProbe } from '../../src/probe/tcp.js';
import { DnsServer, type DnsAnswer } from '../support/dns-server.js';
import { NEVER } from '../support/eventually.js';
import { recordingLog } from '../support/log.js';
import { startServer, type TestServer } from '../support/server.js';
import { tempFolder } from '../support/temp.js';

/*
 * A cluster whose members are listed by name, real ports, and a name server that fails: time alone is the test's.
 */

interface Stage {
  readonly server: TestServer;
  readonly members: readonly string[];
  readonly dns: DnsServer;
  readonly listener: { close(): void };
  readonly lines: ReturnType<typeof recordingLog>['lines'];
}

/** Three members; the last stops polling, and its name is looked up at a server of the test's. */
async function begin(t: TestContext): Promise<Stage> {
  const dns = await DnsServer.start(t);
  const folder = tempFolder(t);
  for (const file of ['hosts', 'resolv.conf']) writeFileSync(join(folder, file), '');
  const names = new Names({
    servers: [dns.address],
    hostsFile: join(folder, 'hosts'),
    resolvFile: join(folder, 'resolv.conf'),
    // They are all on this machine.
    ownNames: ['nacos-0.test', 'nacos-1.test', 'nacos-2.test'],
    askSystem: () => Promise.reject(new Error('unknown')),
  });
  const { log, lines } = recordingLog();
  const server = await startServer(t, { log, rules: { pollHold: NEVER } });
  const probe = new TcpProbe(names);
  server.probe.probe = (address) => probe.probe(address);
  const members: string[] = [];
  const listeners = await Promise.all(
    ['nacos-0.test', 'nacos-1.test', 'nacos-2.test'].map(async (name) => {
      const listener = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
      await once(listener, 'listening');
      t.after(() => listener.close());
      dns.answers.set(name, ['127.0.0.1']);
      members.push(`${name}:${(listener.address() as AddressInfo).port}`);
      return listener;
    }),
  );
  for (let i = 0; i < 2; i++) await Promise.all(members.map((self) => poll(server, self)));
  const listener = listeners[members.findIndex((one) => one.includes('nacos-2'))]!;
  return { server, members, dns, listener, lines };
}

const poll = async ({ url }: TestServer, self: string): Promise<void> => {
  await (await fetch(`${url}/nacos/serverlist?self=${self}&expect=3`)).text();
};

const list = async ({ url }: TestServer): Promise<string[]> =>
  (await (await fetch(`${url}/nacos/serverlist`)).text()).trim().split('\n').sort();

/** Time passes in which all but the last of the three poll; every probe has its real time. */
async function pass({ server, members }: Stage, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 5_000) {
    await Promise.all(members.filter((one) => !one.includes('nacos-2')).map((self) => poll(server, self)));
    await server.pass(5_000);
    await pending(server);
  }
}

/** Waits until the probes under way are over: real ones, of real sockets. */
async function pending({ service }: TestServer): Promise<void> {
  while (service.isProbing) await new Promise((resolve) => setTimeout(resolve, 5));
}

for (const answer of ['nothing', 'servfail', 'nxdomain'] as const satisfies readonly DnsAnswer[]) {
  describe(`a member that is not heard, of whose name the server says: ${answer}`, () => {
    it('stays listed, since it may live; and goes when its port is seen to be closed', async (t) => {
      const stage = await begin(t);
      stage.dns.answers.set('nacos-2.test', answer);
      await pass(stage, answer === 'nothing' ? 90_000 : 300_000);
      assert.deepEqual(await list(stage.server), [...stage.members].sort());
      stage.dns.answers.set('nacos-2.test', ['127.0.0.1']);
      await pass(stage, 20_000);
      assert.deepEqual(await list(stage.server), [...stage.members].sort(), 'its port is open');
      stage.listener.close();
      await pass(stage, 60_000);
      assert.ok(!(await list(stage.server)).some((one) => one.includes('nacos-2')));
    });
  });
}

describe('a member that is not heard, whose name leads where no member can be', () => {
  it('stays listed, is not connected to, and the log says why once', async (t) => {
    const stage = await begin(t);
    stage.dns.answers.set('nacos-2.test', ['169.254.169.254']);
    stage.listener.close();
    await pass(stage, 120_000);
    assert.deepEqual(await list(stage.server), [...stage.members].sort());
    const said = stage.lines().filter(({ msg }) => String(msg).startsWith('a member cannot be probed'));
    assert.deepEqual(
      said.map(({ reason }) => reason),
      [
        'nacos-2.test cannot be reached by its name: it leads to 169.254.169.254, a link-local address, which means nothing on another machine; it is not contacted',
      ],
    );
  });
});

describe('forty names under a zone that is dead', () => {
  it('leave the pool of threads alone', async (t) => {
    const { server, dns } = await begin(t);
    const { service } = server;
    const { signal } = new AbortController();
    const key = { product: 'nacos', name: 'dead' };
    for (let i = 0; i < 40; i++) {
      dns.answers.set(`nacos-${i}.dead.test`, 'nothing');
      const request = { source: 'poll', expect: 40, openedAt: service.monotonic } as const;
      await service.poll(key, { ...request, address: `nacos-${i}.dead.test:8848` }, 0, signal);
    }
    await server.pass(16_000);
    assert.ok(service.isProbing);
    const first = await Promise.race([lookup('localhost'), pending(server).then(() => undefined)]);
    assert.ok(first, 'another look-up is answered while the forty hang');
    await pending(server);
  });
});
