import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { diagnose } from '../../src/doctor/findings.js';
import { judgeGroups, type ListedMember } from '../../src/doctor/groups.js';
import { readNode, sendCommand } from '../../src/doctor/nacos-api.js';
import type { NodeView, Reading } from '../../src/doctor/node-view.js';
import { deadPhantoms } from '../../src/doctor/phantoms.js';
import type { ProbeAnswer } from '../../src/registry/cluster.js';
import { Names } from '../../src/probe/names.js';
import type { Probe, Unknown } from '../../src/registry/interfaces.js';
import { DnsServer } from '../support/dns-server.js';

const A = '10.0.0.1:8848';
const B = '10.0.0.2:8848';
const C = '10.0.0.3:8848';
const GONE = '10.0.0.9:8848';
const voter = (address: string): string => address.replace('8848', '7848');

const member = (address: string, more: Partial<ListedMember> = {}): ListedMember => ({
  address,
  state: 'live',
  settled: true,
  source: 'poll',
  ...more,
});

const node = (address: string, leader: string, voters: readonly string[], version = '3.0.3'): NodeView => ({
  address,
  version,
  members: [A, B, C],
  groups: new Map([['one', { leader: voter(leader), term: 2, voters: voters.map(voter) }]]),
});

const unread = (address: string): Reading => ({ address, reason: 'it does not answer' });

describe('what the doctor takes for evidence', () => {
  it('is no lack of a leader while one that is not heard may lead: this server may reach it and not know', () => {
    const readings = [node(A, C, [A, B, C]), node(B, C, [A, B, C]), unread(C)];
    const lead = (state: Partial<ListedMember>): string | undefined =>
      judgeGroups([member(A), member(B), member(C, state)], readings, 1_000)[0]?.lead;
    assert.equal(lead({ state: 'silent', mayLive: true }), 'unknown');
    assert.equal(lead({ state: 'silent' }), 'unled', 'a probe says that it is dead');
    assert.equal(lead({ state: 'down' }), 'unled');
  });

  it('counts a node that answers as living, heard or not', () => {
    const readings = [node(A, A, [A, B, C]), node(B, A, [A, B, C]), unread(C)];
    const members = [member(A), member(B, { state: 'silent' }), member(C, { state: 'down' })];
    assert.equal(judgeGroups(members, readings, 1_000)[0]?.lead, 'led');
  });

  it('is no finding about a node that this server could not even ask', () => {
    const reason = 'nacos-2.test cannot be reached by its name: its look-up failed (ESERVFAIL)';
    const readings = [node(A, A, [A, B, C]), node(B, A, [A, B, C]), { address: C, reason, isOurs: true }];
    const { findings, unknown } = diagnose([member(A), member(B), member(C)], readings, {
      raftOffset: 1_000,
    });
    assert.deepEqual(findings, []);
    assert.deepEqual(unknown, [`what ${C} believes: ${reason}`]);
  });

  it('is read of a node by its name without a thread, and says whose trouble it is when it has no address', async (t) => {
    const server = createServer((socket) =>
      socket.end('HTTP/1.1 500 No\r\nconnection: close\r\n\r\n'),
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const lookup = (name: string) =>
      Promise.resolve(
        name === 'nacos-0.test'
          ? { addresses: ['127.0.0.1'] }
          : { problem: 'its look-up failed (ESERVFAIL)' },
      );
    const options = { timeout: 60_000, names: { lookup } };
    assert.deepEqual(await readNode(`nacos-0.test:${port}`, options), {
      address: `nacos-0.test:${port}`,
      reason: 'it answers 500',
    });
    assert.deepEqual(await readNode(`nacos-1.test:${port}`, options), {
      address: `nacos-1.test:${port}`,
      reason: 'nacos-1.test cannot be reached by its name: its look-up failed (ESERVFAIL)',
      isOurs: true,
    });
  });

  it('is not asked of one whose name leads where no member can be', async (t) => {
    let asked = 0;
    const server = createServer((socket) => (asked++, socket.destroy())).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const dns = await DnsServer.start(t);
    const names = new Names({ servers: [dns.address], hostsFile: '/dev/null', resolvFile: '/dev/null' });
    dns.answers.set('inner.test', ['127.0.0.1']).set('cloud.test', ['169.254.169.254']);
    for (const [address, what] of [
      [`inner.test:${port}`, '127.0.0.1, a loopback address, which every machine has'],
      ['cloud.test:80', '169.254.169.254, a link-local address, which means nothing on another machine'],
    ] as const) {
      const host = address.split(':')[0];
      const reason = `${host} cannot be reached by its name: it leads to ${what}; it is not contacted`;
      assert.deepEqual(await readNode(address, { timeout: 60_000, names }), {
        address,
        reason,
        isOurs: true,
      });
      const command = { command: 'removePeer', value: A } as const;
      const sent = await sendCommand({ address, version: '2.5.1' }, command, { timeout: 60_000, names });
      assert.deepEqual(sent, { done: false, reason });
    }
    assert.equal(asked, 0);
  });
});

describe('a voter that is on no list', () => {
  const readings = [node(A, A, [A, B, GONE]), node(B, A, [A, B, GONE])];
  const groups = judgeGroups([member(A), member(B)], readings, 1_000);
  const nobody = (): Promise<undefined> => Promise.resolve(undefined);
  const dead = async (
    answers: Readonly<Record<string, ProbeAnswer | Unknown>>,
    nameAt: (address: string) => Promise<string | undefined> = nobody,
    read: readonly Reading[] = readings,
  ): Promise<string[]> => {
    const probe = {
      probe: (address: string) => Promise.resolve(answers[address] ?? ('unreachable' as const)),
    };
    return [...(await deadPhantoms(groups, read, probe, 1_000, nameAt))];
  };

  it('is nobody’s when a member that was just read answers there by its own name: so it was called before', async () => {
    const open = { [A]: 'open', [GONE]: 'open', [voter(GONE)]: 'open' } as const;
    const named = (name: string | undefined) => (address: string) =>
      Promise.resolve(address === GONE ? name : undefined);
    assert.deepEqual(await dead(open, named(B)), [voter(GONE)]);
    for (const name of [undefined, GONE, C]) assert.deepEqual(await dead(open, named(name)), [], `${name}`);
    const misnamed = [readings[0]!, { ...readings[1]!, otherName: GONE }];
    assert.deepEqual(await dead(open, named(B), misnamed), [], 'it was read under another name just now');
  });

  it('is not asked, so not dead, where no member can be', async () => {
    const asked: string[] = [];
    const probe: Probe = {
      probe: (address: string) => (
        asked.push(address),
        Promise.resolve(address === A ? 'open' : ('refused' as const))
      ),
    };
    const voters = ['169.254.169.254:8848', '224.0.0.1:8848', GONE];
    const lying = [node(A, A, [A, B, ...voters]), node(B, A, [A, B, ...voters])];
    const judged = judgeGroups([member(A), member(B)], lying, 1_000);
    assert.deepEqual([...(await deadPhantoms(judged, lying, probe, 1_000, nobody))], [voter(GONE)]);
    assert.ok(
      asked.every((address) => !/^(169|224)/.test(address)),
      asked.join(),
    );
  });

  it('is dead when its ports are refused, or it is silent, and a node that was just read answers', async () => {
    assert.deepEqual(await dead({ [A]: 'open' }), [voter(GONE)]);
    assert.deepEqual(await dead({ [B]: 'open', [GONE]: 'refused', [voter(GONE)]: 'refused' }), [voter(GONE)]);
  });

  it('may live while no node answers this server, refused or not, or its name has no address', async () => {
    assert.deepEqual(await dead({}), []);
    const refused = { [GONE]: 'refused', [voter(GONE)]: 'refused' } as const;
    assert.deepEqual(await dead({ ...refused, [A]: 'refused', [B]: 'refused' }), []);
    const unknown = { unknown: 'its look-up failed (EAI_AGAIN)' };
    assert.deepEqual(await dead({ [A]: 'open', [GONE]: unknown }), []);
    assert.deepEqual(await dead({ [A]: 'open', [GONE]: unknown, [voter(GONE)]: unknown }), []);
  });
});
