import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addressOf, canonical, parseAddress, splitAddress } from '../../src/registry/address.js';

describe('parseAddress', () => {
  const good: [string, string][] = [
    ['10.0.0.5:8848', '10.0.0.5:8848'],
    ['10.0.0.5', '10.0.0.5:8848'],
    ['[::1]:8848', '[::1]:8848'],
    ['[2001:DB8::1]', '[2001:DB8::1]:8848'],
    ['nacos-0.nacos.default.svc:1', 'nacos-0.nacos.default.svc:1'],
    ['Nacos:65535', 'Nacos:65535'],
  ];
  for (const [text, address] of good) {
    it(`takes ${text}`, () => assert.deepEqual(parseAddress(text), { ok: true, value: address }));
  }

  const bad: [string, RegExp][] = [
    ['', /is empty/],
    [':8848', /has no host/],
    ['10.0.0.5:', /has the port ""/],
    ['10.0.0.5:0', /outside 1 to 65535/],
    ['10.0.0.5:65536', /outside 1 to 65535/],
    ['10.0.0.5:x', /no number/],
    ['10.0.0.5:8848x', /no number/],
    ['10.0.0.5 :8848', /blanks/],
    ['10.0.0.5\n:8848', /control/],
    ['10.0.0.5\u00a0:8848', /non-ASCII/],
    ['http://10.0.0.5:8848', /scheme/],
    ['10.0.0.5:8848/nacos', /path/],
    ['10.0.0.5:8848?raft_port=7848', /query/],
    ['::1', /without brackets/],
    ['2001:db8::1:8848', /without brackets/],
    ['[::1', /bracket/],
    ['[10.0.0.5]:8848', /not IPv6/],
    ['[fe80::1%eth0]:8848', /zone/],
    ['a:b:c', /more than one colon/],
    ['10.0.0.256:8848', /looks like IPv4/],
    ['10.0.0:8848', /looks like IPv4/],
    ['0.0.0.0:8848', /unspecified/],
    ['[::]:8848', /unspecified/],
    ['-a.b:8848', /host name/],
    ['a_b:8848', /host name/],
    ['a..b:8848', /host name/],
    ['$(POD_IP):8848', /host name/],
    [`${'a.'.repeat(127)}:8848`, /253|host name/],
    ['a'.repeat(300), /longer than 253/],
    ['a,b', /host name/],
  ];
  for (const [text, problem] of bad) {
    it(`refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
      const result = parseAddress(text);
      assert.equal(result.ok, false);
      assert.match(result.ok ? '' : result.problem, problem);
    });
  }
});

describe('canonical', () => {
  it('is the same for spellings of one address', () => {
    assert.equal(canonical('[2001:DB8:0:0::1]:1'), canonical('[2001:db8::1]:1'));
    assert.equal(canonical('Nacos:1'), canonical('nacos:1'));
    assert.notEqual(canonical('nacos:1'), canonical('nacos:2'));
  });
});

describe('addressOf', () => {
  it('writes a remote end as Nacos would', () => {
    assert.equal(addressOf('::ffff:10.0.0.5', 8848), '10.0.0.5:8848');
    assert.equal(addressOf('fe80::1%eth0', 1), '[fe80::1]:1');
    assert.deepEqual(splitAddress('[::1]:8848'), { host: '::1', port: 8848 });
  });
});
