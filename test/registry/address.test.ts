import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addressOf, canonical, parseAddress, readAddress, splitAddress } from '../../src/registry/address.js';

describe('parseAddress', () => {
  const good: [string, string][] = [
    ['10.0.0.5:8848', '10.0.0.5:8848'],
    ['10.0.0.5', '10.0.0.5:8848'],
    ['[::1]:8848', '[::1]:8848'],
    ['[2001:DB8::1]', '[2001:DB8::1]:8848'],
    ['nacos-0.nacos.default.svc:1', 'nacos-0.nacos.default.svc:1'],
    ['Nacos:65535', 'Nacos:65535'],
    ['nacos-0.nacos.default.svc.cluster.local.:8848', 'nacos-0.nacos.default.svc.cluster.local.:8848'],
    ['Nacos.', 'Nacos.:8848'],
    [`${'a.'.repeat(127)}:65535`, `${'a.'.repeat(127)}:65535`],
  ];
  for (const [text, address] of good) {
    it(`takes ${text}`, () => assert.deepEqual(parseAddress(text), { ok: true, value: address }));
  }

  const bad: [string, RegExp][] = [
    ['', /is empty, as a variable is that nobody set/],
    [':8848', /has no host, as when its variable is empty/],
    ['10.0.0.5:', /has no port, as when its variable is empty/],
    ['.:8848', /IPv4|host name/],
    ['10.0.0.5.:8848', /looks like IPv4/],
    ['nacos..:8848', /host name/],
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
    [`${'a.'.repeat(128)}:8848`, /longer than 253/],
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

describe('a variable that nobody expanded', () => {
  for (const [text, sentence] of [
    [
      '$(POD_IP):8848',
      /^holds \$\(POD_IP\) itself, .*Kubernetes alone does that, where POD_IP stands above it/,
    ],
    ['${POD_IP}:8848', /^holds \$\{POD_IP\} itself, .*Kubernetes wants \$\(POD_IP\)/],
    ['${POD_IP:-}:8848', /^holds \$\{POD_IP:-\} itself/],
    ['$POD_IP:8848', /^holds \$POD_IP itself/],
    ['$(POD_NAME).nacos:8848', /^holds \$\(POD_NAME\) itself/],
    ['10.0.0.5:$NACOS_PORT', /^holds \$NACOS_PORT itself/],
    ['%POD_IP%:8848', /^holds %POD_IP% itself, .*Windows/],
    ['%H:8848', /^holds %H itself, .*systemd/],
    ['{{ .Values.ip }}:8848', /^holds \{\{ \.Values\.ip \}\} itself, .*was not rendered/],
    ['${{ inputs.ip }}:8848', /^holds \$\{\{ inputs\.ip \}\} itself, .*was not rendered/],
    ['#{NodeIp}:8848', /^holds #\{NodeIp\} itself/],
    ['@pod.ip@:8848', /^holds @pod\.ip@ itself/],
    ['<node-ip>:8848', /^holds <node-ip> itself, .*for you to replace/],
    ['<no value>:8848', /^holds <no value> itself/],
  ] as const) {
    it(`is named: ${text}`, () => {
      for (const read of [parseAddress, readAddress]) {
        const result = read(text);
        assert.match(result.ok ? '' : result.problem, sentence);
      }
    });
  }
});

describe('IPv6 without brackets', () => {
  for (const [text, address] of [
    ['::1', '[::1]:8848'],
    ['fd00::5', '[fd00::5]:8848'],
    ['fd00::abcd', '[fd00::abcd]:8848'],
    ['fd00::5:0', '[fd00::5:0]:8848'],
    ['fd00::5:18848', '[fd00::5]:18848'],
    ['fd00:0:0:0:0:0:0:5', '[fd00:0:0:0:0:0:0:5]:8848'],
    ['fd00:0:0:0:0:0:0:5:8848', '[fd00:0:0:0:0:0:0:5]:8848'],
    ['2001:DB8:0:0:0:0:0:1:8848', '[2001:DB8:0:0:0:0:0:1]:8848'],
    ['::ffff:10.0.0.5:8848', '[::ffff:10.0.0.5]:8848'],
  ] as const) {
    it(`is ${address} where it is ${text}`, () => {
      assert.deepEqual(readAddress(text), { ok: true, value: address });
      assert.equal(parseAddress(text).ok, false, 'and nothing to Nacos');
    });
  }

  it('is either of two where it may be, and both are named', () => {
    assert.deepEqual(readAddress('fd00::5:8848'), {
      ok: false,
      problem:
        'is IPv6 without brackets, and may be [fd00::5]:8848 or [fd00::5:8848]:8848; write the one that is meant',
      either: ['[fd00::5:8848]:8848', '[fd00::5]:8848'],
    });
  });

  for (const [text, sentence] of [
    ['fd00::5:70000', /the port 70000, outside/],
    ['fd00::5:', /has no port/],
    ['fe80::1%eth0:8848', /zone/],
    [':::8848', /unspecified/],
    ['::', /unspecified/],
    ['a:b:c', /more than one colon/],
    ['10.0.0.5:8848:8848', /more than one colon/],
  ] as const) {
    it(`is not ${text}`, () => {
      const result = readAddress(text);
      assert.match(result.ok ? '' : result.problem, sentence);
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
