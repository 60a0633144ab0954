import assert from 'node:assert/strict';
import { test } from 'node:test';
import { raftRepair } from '../../src/cli/raft-repair.js';
import { resetPeers } from '../../src/page/model/snippet.js';
import type { ClusterView, MemberView } from '../../src/registry/view.js';

function cluster(
  ...members: readonly (readonly [address: string, state: MemberView['state']])[]
): ClusterView {
  return {
    product: 'nacos',
    cluster: 'serverlist',
    state: 'impaired',
    summary: '',
    epoch: 1,
    revision: 1,
    size: members.length,
    live: members.length,
    unsettled: 0,
    ttlMs: 15_000,
    members: members.map(([address, state]) => ({
      address,
      state,
      source: 'poll',
      settled: true,
      deliveredRevision: 1,
      upToDate: true,
    })),
    waiting: [],
  };
}

const [A, B, C, D] = ['10.0.0.1:8848', '10.0.0.2:8848', '10.0.0.3:8848', '[::1]:9848'] as const;

/** The command among the advice, as a shell would get it. */
function commandIn(advice: string): string {
  return /^ {2}(curl .*)$/m.exec(advice)?.[1] ?? '';
}

test('a live survivor is told that it is the only voter, and then to add the others, by their Raft ports', () => {
  const before = cluster([A, 'silent'], [B, 'live'], [C, 'down']);
  const advice = raftRepair(before, cluster([A, 'silent'], [B, 'live'], [D, 'live']));
  const curl = `curl -g -X POST 'http://${B}/nacos/v1/core/ops/raft' -H 'Content-Type: application/json'`;
  assert.deepEqual(
    [...advice.matchAll(/^ {2}(curl .*)$/gm)].map(([, command]) => command),
    [
      `${curl} -d '{"command":"resetPeers","value":"10.0.0.2:7848"}'`,
      `${curl} -d '{"command":"restRaftCluster","value":"10.0.0.1:7848,10.0.0.2:7848,[::1]:8848"}'`,
    ],
  );
  assert.match(advice, /no leader after 30 s.*value 10\.0\.0\.2:7848,127\.0\.0\.1:1, and then as above/);
  assert.match(advice, /3\.x has this at \/nacos\/v3\/admin\/core\/ops\/raft/);
});

test('without a live survivor it is told to a silent one', () => {
  const advice = raftRepair(cluster([A, 'silent'], [B, 'down']), cluster([A, 'silent'], [C, 'live']));
  assert.match(commandIn(advice), /'http:\/\/10\.0\.0\.1:8848\//);
});

test('without any survivor there is nothing to repair', () => {
  const advice = raftRepair(cluster([A, 'down'], [B, 'down']), cluster([C, 'live']));
  assert.equal(commandIn(advice), '');
  assert.match(advice, /no Raft group to repair/);
});

test('no command is made of a port without a Raft port, nor of what is no address', () => {
  for (const odd of ['10.0.0.9:9', "10.0.0.9:8848';rm -rf /;'", '10.0.0.9:8848 $(x)']) {
    const advice = raftRepair(cluster([A, 'live'], [B, 'down']), cluster([A, 'live'], [odd, 'live']));
    assert.equal(commandIn(advice), '', odd);
    assert.match(advice, /resetPeers/);
    assert.ok(!advice.includes('rm -rf') && !advice.includes('$('), advice);
  }
});

test('it has the path of the version that is there, and no hint at others', () => {
  const [before, after] = [cluster([A, 'live'], [B, 'down']), cluster([A, 'live'])];
  const of = (version: string): string => raftRepair(before, after, new Map([[A, version]]));
  assert.match(
    commandIn(of('3.0.3')),
    /^curl -g -X POST 'http:\/\/10\.0\.0\.1:8848\/nacos\/v3\/admin\/core\/ops\/raft' /,
  );
  assert.match(of('3.0.3'), /3\.0\.3 takes it from administrators/);
  assert.match(commandIn(of('2.5.1')), /\/nacos\/v1\/core\/ops\/raft' /);
  assert.doesNotMatch(of('2.5.1'), /3\.x|1\.4\.2/);
  assert.match(of('1.4.2'), /Nacos 1\.4\.2 does not know it: stop all nodes/);
});

test('the page says the same: the survivor alone, and the others that are left after its election', () => {
  const words = (text: string): string[] =>
    [...text.matchAll(/"command":"(\w+)","value":"([^"]+)"/g)].map(([, a, b]) => `${a} ${b}`);
  assert.deepEqual(words(resetPeers(A, [A])), ['resetPeers 10.0.0.1:7848']);
  const both = resetPeers(B, [A, B]);
  assert.deepEqual(words(both), ['resetPeers 10.0.0.2:7848', 'restRaftCluster 10.0.0.1:7848,10.0.0.2:7848']);
  assert.match(both, /'\nsleep 15\ncurl /);
  assert.ok(
    both
      .split('curl')
      .slice(1)
      .every((call) => call.includes(`'http://${B}/nacos/v1/core/ops/raft'`)),
  );
  assert.ok(resetPeers(A, [A], '3.0.3').includes(`'http://${A}/nacos/v3/admin/core/ops/raft'`));
  assert.equal(resetPeers(A, [A], '2.5.1'), resetPeers(A, [A]));
});
