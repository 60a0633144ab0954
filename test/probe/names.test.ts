import assert from 'node:assert/strict';
import { lookup } from 'node:dns/promises';
import { writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { readHosts, readSearch, wholeNames } from '../../src/probe/name-files.js';
import { Names, type NamesOptions } from '../../src/probe/names.js';
import { TcpProbe } from '../../src/probe/tcp.js';
import { DnsServer, type DnsAnswer } from '../support/dns-server.js';
import { tempFolder } from '../support/temp.js';

/** Names as a name server of the test's own says them; the system knows none. */
async function begin(
  t: TestContext,
  answers: Readonly<Record<string, DnsAnswer>>,
  options: NamesOptions & { readonly hosts?: string; readonly resolv?: string } = {},
): Promise<{ dns: DnsServer; names: Names; asksSystem: string[] }> {
  const dns = await DnsServer.start(t);
  for (const [name, answer] of Object.entries(answers)) dns.answers.set(name, answer);
  const folder = tempFolder(t);
  const hostsFile = join(folder, 'hosts');
  const resolvFile = join(folder, 'resolv.conf');
  writeFileSync(hostsFile, options.hosts ?? '');
  writeFileSync(resolvFile, options.resolv ?? '');
  const asksSystem: string[] = [];
  const names = new Names({
    servers: [dns.address],
    hostsFile,
    resolvFile,
    ...(options.ownNames ? { ownNames: options.ownNames } : {}),
    askSystem: (name) => {
      asksSystem.push(name);
      return (
        options.askSystem?.(name) ?? Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }))
      );
    },
  });
  return { dns, names, asksSystem };
}

describe('names', () => {
  it('are looked up at the name servers, briefly kept, and asked for once at a time', async (t) => {
    const { dns, names } = await begin(t, { 'nacos-0.test': ['10.1.2.3', '10.1.2.4'] });
    const both = await Promise.all([names.lookup('nacos-0.test'), names.lookup('Nacos-0.Test')]);
    assert.deepEqual(
      both.map((one) => 'addresses' in one && one.addresses),
      [
        ['10.1.2.3', '10.1.2.4'],
        ['10.1.2.3', '10.1.2.4'],
      ],
    );
    await names.lookup('nacos-0.test');
    assert.equal(dns.asked.filter((one) => one === 'nacos-0.test 1').length, 1);
  });

  it('have no address when the server says nothing, fails, or knows none; and say which', async (t) => {
    const { names, asksSystem } = await begin(t, { 'dead.test': 'nothing', 'sick.test': 'servfail' });
    assert.deepEqual(await names.lookup('sick.test'), { problem: 'its look-up failed (ESERVFAIL)' });
    assert.deepEqual(await names.lookup('gone.test'), { problem: 'its look-up failed (ENOTFOUND)' });
    assert.match(JSON.stringify(await names.lookup('dead.test')), /ETIMEOUT|no name server answered/);
    assert.deepEqual(asksSystem, ['gone.test'], 'the system is asked only what servers say they do not know');
  });

  it('are found in /etc/hosts first, and without a server', async (t) => {
    const hosts = '10.7.7.7 nacos-7 nacos-7.example.org # a comment nacos-8\n::1 ip6-only\n';
    const { dns, names } = await begin(t, {}, { hosts });
    assert.deepEqual(await names.lookup('NACOS-7.example.org.'), { addresses: ['10.7.7.7'] });
    assert.deepEqual(await names.lookup('ip6-only'), { addresses: ['::1'] });
    assert.deepEqual(dns.asked, []);
  });

  it('are completed by the search domains of resolv.conf, as Kubernetes writes it', async (t) => {
    const resolv = 'search default.svc.cluster.local svc.cluster.local\noptions ndots:5\n';
    const whole = 'nacos-0.nacos-headless.default.svc.cluster.local';
    const { names, dns } = await begin(t, { [whole]: ['10.1.0.9'] }, { resolv });
    assert.deepEqual(await names.lookup('nacos-0.nacos-headless'), { addresses: ['10.1.0.9'] });
    assert.deepEqual(new Set(dns.asked.map((one) => one.split(' ')[0])), new Set([whole]));
  });

  it('that only the system knows are asked of it one at a time, and seldom when it takes long', async (t) => {
    let answer: (addresses: readonly string[]) => void = () => undefined;
    const askSystem = (name: string): Promise<readonly string[]> =>
      name === 'slow.local' ? new Promise((resolve) => (answer = resolve)) : Promise.resolve(['10.3.3.3']);
    const { names, asksSystem } = await begin(t, {}, { askSystem });
    const slow = names.lookup('slow.local');
    while (asksSystem.length === 0) await new Promise(setImmediate);
    assert.ok('problem' in (await names.lookup('quick.local')), 'the one lane is taken');
    assert.deepEqual(await slow, { problem: 'no name server answered within 2 s' });
    answer([]);
    while (names.asking > 0) await new Promise(setImmediate);
    assert.deepEqual(await names.lookup('quick.local'), { addresses: ['10.3.3.3'] });
    assert.ok('problem' in (await names.lookup('slow.local')));
    assert.deepEqual(asksSystem, ['slow.local', 'quick.local']);
  });

  it('under a dead zone take no thread: others are looked up, and other names too', async (t) => {
    const dead = Array.from({ length: 40 }, (_, i) => `nacos-${i}.dead.test`);
    const answers = Object.fromEntries(dead.map((name) => [name, 'nothing'] as const));
    const { names } = await begin(t, { ...answers, 'nacos-0.live.test': ['10.4.4.4'] });
    const hanging = Promise.all(dead.map((name) => names.lookup(name)));
    const ended = hanging.then(() => 'the dead zone' as const);
    const others = Promise.all([lookup('localhost'), names.lookup('nacos-0.live.test')]);
    assert.notEqual(await Promise.race([ended, others]), 'the dead zone');
    assert.ok((await hanging).every((one) => 'problem' in one));
  });

  it('are there for sockets too', async (t) => {
    const listener = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await once(listener, 'listening');
    t.after(() => listener.close());
    const { port } = listener.address() as AddressInfo;
    const { names } = await begin(t, { 'nacos-0.test': ['127.0.0.1'] }, { ownNames: ['nacos-0.test'] });
    const socket = connect({ host: 'nacos-0.test', port, lookup: names.forSocket });
    await once(socket, 'connect');
    socket.destroy();
    const failing = connect({ host: 'gone.test', port, lookup: names.forSocket });
    const [error] = (await once(failing, 'error')) as [Error];
    assert.equal(error.message, 'gone.test: its look-up failed (ENOTFOUND)');
  });
});

describe('a name that leads where no member can be', () => {
  const ANYWHERE = [
    ['169.254.169.254', 'a link-local address, which means nothing on another machine'],
    ['224.0.0.1', 'a multicast address'],
    ['255.255.255.255', 'the broadcast address'],
    ['0.0.0.0', 'an unspecified address'],
  ] as const;
  const LOOPBACK = 'a loopback address, which every machine has';
  const refused = (address: string, what: string) => ({
    problem: `it leads to ${address}, ${what}; it is not contacted`,
  });

  it('has no address, whoever says so: a name server, the hosts file, the system', async (t) => {
    for (const [address, what] of ANYWHERE) {
      const options = { hosts: `${address} hosts.test\n`, ownNames: ['own.test'] };
      const askSystem = () => Promise.resolve([address]);
      const answers = { 'dns.test': [address], 'own.test': [address] };
      const { names } = await begin(t, answers, { ...options, askSystem });
      for (const name of ['dns.test', 'own.test', 'hosts.test', 'system.test', 'x.localhost'])
        assert.deepEqual(await names.lookup(name), refused(address, what), name);
    }
  });

  it('has none in other spellings either, as IPv6 or with a zone', async (t) => {
    const askSystem = (name: string) =>
      Promise.resolve([name === 'zone.test' ? 'fe80::1%eth0' : '::ffff:a9fe:a9fe']);
    const { names } = await begin(t, {}, { askSystem });
    for (const [name, address] of [
      ['zone.test', 'fe80::1%eth0'],
      ['mapped.test', '::ffff:a9fe:a9fe'],
    ] as const)
      assert.deepEqual(await names.lookup(name), refused(address, ANYWHERE[0][1]));
  });

  it('has the addresses that are left, however many are not', async (t) => {
    const many = Array.from({ length: 9 }, (_, i) => `169.254.0.${i + 1}`);
    const { names } = await begin(t, { 'mixed.test': [...many, '10.1.2.3', '127.0.0.1', '10.1.2.4'] });
    assert.deepEqual(await names.lookup('mixed.test'), { addresses: ['10.1.2.3', '10.1.2.4'] });
  });

  it('may be this machine under its own names alone', async (t) => {
    const hosts = '127.0.0.1 localhost\n127.0.1.1 debian.test debian\n';
    const system: Record<string, string> = {
      'own.test': '127.0.0.2',
      'x.localhost': '127.0.0.1',
      'mdns.test': '127.0.0.3',
    };
    const askSystem = (name: string) => Promise.resolve([system[name] ?? '']);
    const { names } = await begin(
      t,
      { 'dns.test': ['127.0.0.1'] },
      { hosts, askSystem, ownNames: ['Own.test'] },
    );
    for (const [name, address] of [
      ['localhost', '127.0.0.1'],
      ['debian', '127.0.1.1'],
      ['Debian.test.', '127.0.1.1'],
      ['own.test', '127.0.0.2'],
      ['x.localhost', '127.0.0.1'],
    ] as const)
      assert.deepEqual(await names.lookup(name), { addresses: [address] }, name);
    assert.deepEqual(await names.lookup('dns.test'), refused('127.0.0.1', LOOPBACK));
    assert.deepEqual(await names.lookup('mdns.test'), refused('127.0.0.3', LOOPBACK));
  });

  it('is not connected to: its probe says nothing of it, and why', async (t) => {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    t.after(() => listener.close());
    let connections = 0;
    listener.on('connection', (socket) => (connections++, socket.destroy()));
    const { port } = listener.address() as AddressInfo;
    const { names } = await begin(t, { 'inner.test': ['127.0.0.1'], 'cloud.test': ['169.254.169.254'] });
    const probe = new TcpProbe(names);
    assert.deepEqual(await probe.probe(`inner.test:${port}`), {
      unknown: `inner.test cannot be reached by its name: ${refused('127.0.0.1', LOOPBACK).problem}`,
    });
    assert.ok(typeof (await probe.probe('cloud.test:80')) === 'object');
    assert.equal(connections, 0);
  });
});

describe('the probe of a member that is listed by name', () => {
  it('says nothing of it when its name has no address, and else what its port answers', async (t) => {
    const listener = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    const { names } = await begin(
      t,
      { 'live.test': ['127.0.0.1'], 'dead.test': 'nothing', 'sick.test': 'servfail' },
      { ownNames: ['live.test'] },
    );
    const probe = new TcpProbe(names);
    assert.equal(await probe.probe(`live.test:${port}`), 'open');
    for (const name of ['dead.test', 'sick.test', 'gone.test']) {
      const answer = await probe.probe(`${name}:${port}`);
      assert.ok(typeof answer === 'object', `${name}: ${JSON.stringify(answer)}`);
      assert.match(answer.unknown, new RegExp(`^${name} cannot be reached by its name: `));
    }
    listener.close();
    await once(listener, 'close');
    assert.equal(await probe.probe(`live.test:${port}`), 'refused');
  });
});

describe('what the files of this machine say of names', () => {
  it('is read as the system does', () => {
    assert.deepEqual(
      [...readHosts('junk\n1.2.3 no\n 127.0.0.1\tLocalhost  a\n127.0.1.1 a\n')],
      [
        ['localhost', ['127.0.0.1']],
        ['a', ['127.0.0.1', '127.0.1.1']],
      ],
    );
    assert.deepEqual(readSearch(''), { domains: [], dots: 1 });
    const text = '# x\ndomain one.test\nsearch a.test. b.test ; no\noptions timeout:1 ndots:99\n';
    assert.deepEqual(readSearch(text), { domains: ['a.test', 'b.test'], dots: 15 });
  });

  it('makes whole names of short ones', () => {
    const search = { domains: ['x.test', 'test'], dots: 2 };
    assert.deepEqual(wholeNames('a.b', search), ['a.b.x.test', 'a.b.test', 'a.b']);
    assert.deepEqual(wholeNames('a.b.c', search), ['a.b.c', 'a.b.c.x.test', 'a.b.c.test']);
    assert.deepEqual(wholeNames('a.b.c.', search), ['a.b.c']);
  });
});
