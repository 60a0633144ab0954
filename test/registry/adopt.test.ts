import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Address } from '../../src/registry/address.js';
import { describe as view } from '../../src/registry/view.js';
import { A, B, RuleHarness, C, D } from './harness.js';

/** Three static members, as an import puts them. */
function imported(...addresses: Address[]): RuleHarness {
  const harness = new RuleHarness();
  harness.do({ type: 'put', addresses: addresses.length > 0 ? addresses : [A, B, C] });
  harness.now += 1_000;
  harness.said();
  return harness;
}

const sources = (harness: RuleHarness): string[] =>
  [...harness.cluster.members.values()].map(({ source }) => source);
const states = (harness: RuleHarness): string[] =>
  view(harness.cluster, harness).members.map(({ state }) => state);

describe('adopt: static members become leased ones', () => {
  it('as they speak, by polls or by heartbeats, and the list stays as it is', () => {
    const harness = imported();
    harness.poll(A);
    harness.heartbeat(B);
    harness.heartbeat(C);
    harness.poll(C);
    const { revision, epoch, size, changedAt } = harness.cluster;
    assert.deepEqual(harness.do({ type: 'adopt' }), { type: 'adopted', adopted: [A, B, C], kept: [] });
    assert.deepEqual(sources(harness), ['heartbeat', 'heartbeat', 'heartbeat'], 'until they speak again');
    for (const address of [A, C]) harness.poll(address);
    harness.heartbeat(B);
    assert.deepEqual(sources(harness), ['poll', 'heartbeat', 'poll']);
    assert.deepEqual(harness.list, [A, B, C]);
    assert.deepEqual(
      { revision, epoch, size, changedAt },
      {
        revision: harness.cluster.revision,
        epoch: harness.cluster.epoch,
        size: harness.cluster.size,
        changedAt: harness.cluster.changedAt,
      },
    );
    assert.deepEqual(harness.said(), [`adopted ${A}`, `adopted ${B}`, `adopted ${C}`]);
  });

  it('but not one that was never heard, which is told why', () => {
    const harness = imported();
    harness.poll(A);
    const reply = harness.do({ type: 'adopt' });
    assert.deepEqual(reply, {
      type: 'adopted',
      adopted: [A],
      kept: [B, C].map((address) => ({
        address,
        reason: `${address} has never been heard: its node must poll with self=${address}, or a heartbeat be sent for it`,
      })),
    });
    assert.deepEqual(sources(harness), ['heartbeat', 'static', 'static']);
  });

  it('but not one that is silent or down: it would be evicted as any other', () => {
    const harness = imported();
    for (const address of [A, B, C]) harness.poll(address);
    harness.pass(20_000, [A], [C], 'refused');
    const reply = harness.do({ type: 'adopt' });
    assert.ok(reply.type === 'adopted');
    assert.deepEqual(reply.adopted, [A]);
    assert.deepEqual(
      reply.kept.map(({ address }) => address),
      [B, C],
    );
    assert.match(reply.kept[0]!.reason, /has not been heard for 20 s: its node must poll with self=/);
    assert.match(reply.kept[1]!.reason, /^nobody listens on the port of /);
    harness.pass(200_000, [A], [B, C]);
    assert.deepEqual(harness.list, [A, B, C]);
  });

  it('and nobody is silent for it: the next poll finds everything as it was', () => {
    const harness = imported();
    harness.pass(10_000, [A, B, C]);
    harness.said();
    harness.do({ type: 'adopt' });
    assert.deepEqual(states(harness), ['live', 'live', 'live']);
    harness.pass(300_000, [A, B, C]);
    assert.deepEqual(harness.said(), [`adopted ${A}`, `adopted ${B}`, `adopted ${C}`]);
    assert.deepEqual(states(harness), ['live', 'live', 'live']);
  });

  it('is said again without effect, and leaves leased members alone', () => {
    const harness = imported();
    for (const address of [A, B, C]) harness.poll(address);
    harness.poll(D);
    harness.do({ type: 'adopt' });
    harness.said();
    const { cluster } = harness;
    assert.deepEqual(harness.do({ type: 'adopt' }), { type: 'adopted', adopted: [], kept: [] });
    assert.equal(harness.cluster, cluster, 'nothing is stored');
    assert.deepEqual(harness.said(), []);
    assert.equal(cluster.members.get(D)?.source, 'poll');
  });

  it('lets R5 evict a adopted member that dies, and never one that was left static', () => {
    const harness = imported(A, B, C, D);
    harness.pass(5_000, [A, B, C]);
    harness.do({ type: 'adopt' });
    harness.pass(35_000, [A, B, C]);
    harness.pass(65_000, [A, B], [C, D]);
    assert.deepEqual(harness.list, [A, B, D]);
    assert.ok(harness.said().includes(`evicted ${C}`));
    harness.pass(200_000, [A, B], [D]);
    assert.deepEqual(harness.list, [A, B, D]);
  });

  it('counts a adopted member as steady only 30 s later (R5): its node may have restarted just now', () => {
    const harness = imported();
    // C is dead and due since long; A and B, both of which its eviction counts on, are adopted just now.
    for (const address of [A, B, C]) harness.poll(address);
    harness.do({ type: 'adopt' });
    harness.do({ type: 'put', addresses: [A, B] });
    harness.pass(59_000, [A, B], [C]);
    harness.do({ type: 'adopt' });
    harness.pass(29_000, [A, B], [C]);
    assert.deepEqual(harness.list, [A, B, C]);
    harness.pass(3_000, [A, B], [C]);
    assert.deepEqual(harness.list, [A, B]);
  });

  it('keeps an id, and what it is heard with later is taken up', () => {
    const harness = imported();
    harness.poll(A, { id: 'nacos-0', expect: 3 });
    harness.heartbeat(B);
    harness.do({ type: 'adopt' });
    harness.poll(B, { id: 'nacos-1' });
    const { members } = harness.cluster;
    assert.deepEqual([members.get(A)?.id, members.get(B)?.id], ['nacos-0', 'nacos-1']);
    assert.equal(members.get(B)?.source, 'poll');
  });
});
