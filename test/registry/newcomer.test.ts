import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { canonical, parseAddress } from '../../src/registry/address.js';
import { isLoopback, objectionToNewcomer } from '../../src/registry/newcomer.js';
import { A, RuleHarness } from './harness.js';

const address = (text: string): string => {
  const parsed = parseAddress(text);
  assert.ok(parsed.ok, text);
  return parsed.value;
};

describe('a new address', () => {
  for (const [text, sentence] of [
    ['[::ffff:10.0.0.5]:8848', /is 10\.0\.0\.5:8848 written as IPv6; use 10\.0\.0\.5:8848/],
    ['[::FFFF:a00:5]:8848', /use 10\.0\.0\.5:8848/],
    ['[0:0:0:0:0:ffff:10.0.0.5]:8848', /use 10\.0\.0\.5:8848/],
    ['[::10.0.0.5]:8848', /use 10\.0\.0\.5:8848/],
    ['0x7f000001:8848', /is 127\.0\.0\.1:8848 in another spelling; use 127\.0\.0\.1:8848/],
    ['0x7f.1:8848', /use 127\.0\.0\.1:8848/],
    ['0X0a.0.0.5:8848', /use 10\.0\.0\.5:8848/],
    ['nacos.0x7f:8848', /ends in a number/],
    ['nacos.1:8848', /ends in a number/],
    ['169.254.169.254:80', /link-local/],
    ['[fe80::1]:8848', /link-local/],
    ['[FEBF::1]:8848', /link-local/],
    ['224.0.0.1:8848', /multicast/],
    ['239.255.255.250:8848', /multicast/],
    ['[ff02::1]:8848', /multicast/],
    ['255.255.255.255:8848', /broadcast/],
    ['0.0.0.1:8848', /unspecified|this network/],
    ['Auto:8848', /self=auto, in small letters, stands for/],
    ['null:8848', /has the host null, as programs write a variable that has no value/],
    ['undefined:8848', /has the host undefined/],
    ['None:8849', /has the host None/],
  ] as const) {
    it(`is not ${text}`, () => {
      assert.match(objectionToNewcomer(address(text)) ?? '', sentence);
      const harness = new RuleHarness();
      const polled = harness.poll(text);
      assert.equal(polled.type === 'refused' && polled.code, 'no-member-address', text);
      const put = harness.do({ type: 'put', addresses: [text] });
      assert.equal(put.type === 'refused' && put.code, 'no-member-address', text);
      assert.deepEqual([harness.list, harness.waiting], [[], []]);
    });
  }

  for (const text of [
    '0177.0.0.1',
    '10.5',
    '2130706433',
    '10.0.0.05',
    '010.0.0.5',
    '10.0.0.5.',
    '1.2.3.4.5',
  ]) {
    it(`cannot be written ${text}`, () => assert.equal(parseAddress(`${text}:8848`).ok, false));
  }

  for (const text of [
    '10.0.0.5:8848',
    '[fd00::0:5]:8848',
    '[2001:DB8:0:0:0:0:0:1]:8848',
    'nacos-0.nacos.svc:8848',
    'nacos-0.nacos.svc.:8848',
    'auto.example:8848',
    '1nacos:8848',
    '0xnacos:8848',
    '240.0.0.1:8848',
    '[64:ff9b::a00:5]:8848',
    '127.0.0.1:8848',
  ]) {
    it(`may be ${text}`, () => assert.equal(objectionToNewcomer(address(text)), undefined));
  }

  it('that was listed before this was a rule stays listed', () => {
    const old = '[::ffff:10.0.0.5]:8848';
    const harness = new RuleHarness().bootstrap(A);
    const [member] = harness.cluster.members.values();
    assert.ok(member);
    harness.cluster = { ...harness.cluster, members: new Map([[old, { ...member, address: old }]]) };
    assert.equal(harness.poll(old).type, 'listed');
    const other = harness.poll('10.0.0.5:8848');
    assert.equal(other.type === 'refused' && other.code, 'other-spelling', 'one member, two spellings');
  });
});

describe('canonical', () => {
  for (const [one, other] of [
    ['[::ffff:10.0.0.5]:1', '10.0.0.5:1'],
    ['[::10.0.0.5]:1', '10.0.0.5:1'],
    ['0x7f000001:1', '127.0.0.1:1'],
    ['[fd00::0:5]:1', '[FD00:0:0:0:0:0:0:5]:1'],
    ['Nacos.Example.:1', 'nacos.example:1'],
  ] as const) {
    it(`takes ${one} and ${other} for one`, () => assert.equal(canonical(one), canonical(other)));
  }
});

describe('isLoopback', () => {
  it('knows loopback by any name', () => {
    for (const host of [
      '127.0.0.1',
      '127.9.9.9',
      '::1',
      '::ffff:127.0.0.1',
      'localhost',
      'LOCALHOST',
      'a.localhost',
      'localhost.',
      'ip6-localhost',
      '0x7f.1',
    ])
      assert.equal(isLoopback(host), true, host);
    for (const host of ['10.0.0.5', '::2', 'nacos', 'localhost.example.org', '128.0.0.1'])
      assert.equal(isLoopback(host), false, host);
  });
});
