import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Address } from '../../src/registry/address.js';
import { describe as view } from '../../src/registry/view.js';
import { A, B, Bench, C, D } from './rules.js';

/** Three static members, as an import puts them. */
function imported(...addresses: Address[]): Bench {
  const bench = new Bench();
  bench.do({ type: 'put', addresses: addresses.length > 0 ? addresses : [A, B, C] });
  bench.now += 1_000;
  bench.said();
  return bench;
}

const sources = (bench: Bench): string[] => [...bench.cluster.members.values()].map(({ source }) => source);
const states = (bench: Bench): string[] => view(bench.cluster, bench).members.map(({ state }) => state);

describe('adopt: static members become leased ones', () => {
  it('as they speak, by polls or by heartbeats, and the list stays as it is', () => {
    const bench = imported();
    bench.poll(A);
    bench.heartbeat(B);
    bench.heartbeat(C);
    bench.poll(C);
    const { revision, epoch, size, changedAt } = bench.cluster;
    assert.deepEqual(bench.do({ type: 'adopt' }), { type: 'adopted', adopted: [A, B, C], kept: [] });
    assert.deepEqual(sources(bench), ['heartbeat', 'heartbeat', 'heartbeat'], 'until they speak again');
    for (const address of [A, C]) bench.poll(address);
    bench.heartbeat(B);
    assert.deepEqual(sources(bench), ['poll', 'heartbeat', 'poll']);
    assert.deepEqual(bench.list, [A, B, C]);
    assert.deepEqual(
      { revision, epoch, size, changedAt },
      {
        revision: bench.cluster.revision,
        epoch: bench.cluster.epoch,
        size: bench.cluster.size,
        changedAt: bench.cluster.changedAt,
      },
    );
    assert.deepEqual(bench.said(), [`adopted ${A}`, `adopted ${B}`, `adopted ${C}`]);
  });

  it('but not one that was never heard, which is told why', () => {
    const bench = imported();
    bench.poll(A);
    const reply = bench.do({ type: 'adopt' });
    assert.deepEqual(reply, {
      type: 'adopted',
      adopted: [A],
      kept: [B, C].map((address) => ({
        address,
        reason: `${address} has never been heard: its node must poll with self=${address}, or a heartbeat be sent for it`,
      })),
    });
    assert.deepEqual(sources(bench), ['heartbeat', 'static', 'static']);
  });

  it('but not one that is silent or down: it would be evicted as any other', () => {
    const bench = imported();
    for (const address of [A, B, C]) bench.poll(address);
    bench.pass(20_000, [A], [C], 'refused');
    const reply = bench.do({ type: 'adopt' });
    assert.ok(reply.type === 'adopted');
    assert.deepEqual(reply.adopted, [A]);
    assert.deepEqual(
      reply.kept.map(({ address }) => address),
      [B, C],
    );
    assert.match(reply.kept[0]!.reason, /has not been heard for 20 s: its node must poll with self=/);
    assert.match(reply.kept[1]!.reason, /^nobody listens on the port of /);
    bench.pass(200_000, [A], [B, C]);
    assert.deepEqual(bench.list, [A, B, C]);
  });

  it('and nobody is silent for it: the next poll finds everything as it was', () => {
    const bench = imported();
    bench.pass(10_000, [A, B, C]);
    bench.said();
    bench.do({ type: 'adopt' });
    assert.deepEqual(states(bench), ['live', 'live', 'live']);
    bench.pass(300_000, [A, B, C]);
    assert.deepEqual(bench.said(), [`adopted ${A}`, `adopted ${B}`, `adopted ${C}`]);
    assert.deepEqual(states(bench), ['live', 'live', 'live']);
  });

  it('is said again without effect, and leaves leased members alone', () => {
    const bench = imported();
    for (const address of [A, B, C]) bench.poll(address);
    bench.poll(D);
    bench.do({ type: 'adopt' });
    bench.said();
    const { cluster } = bench;
    assert.deepEqual(bench.do({ type: 'adopt' }), { type: 'adopted', adopted: [], kept: [] });
    assert.equal(bench.cluster, cluster, 'nothing is stored');
    assert.deepEqual(bench.said(), []);
    assert.equal(cluster.members.get(D)?.source, 'poll');
  });

  it('lets R5 evict a adopted member that dies, and never one that was left static', () => {
    const bench = imported(A, B, C, D);
    bench.pass(5_000, [A, B, C]);
    bench.do({ type: 'adopt' });
    bench.pass(35_000, [A, B, C]);
    bench.pass(65_000, [A, B], [C, D]);
    assert.deepEqual(bench.list, [A, B, D]);
    assert.ok(bench.said().includes(`evicted ${C}`));
    bench.pass(200_000, [A, B], [D]);
    assert.deepEqual(bench.list, [A, B, D]);
  });

  it('counts a adopted member as steady only 30 s later (R5): its node may have restarted just now', () => {
    const bench = imported();
    // C is dead and due since long; A and B, both of which its eviction counts on, are adopted just now.
    for (const address of [A, B, C]) bench.poll(address);
    bench.do({ type: 'adopt' });
    bench.do({ type: 'put', addresses: [A, B] });
    bench.pass(59_000, [A, B], [C]);
    bench.do({ type: 'adopt' });
    bench.pass(29_000, [A, B], [C]);
    assert.deepEqual(bench.list, [A, B, C]);
    bench.pass(3_000, [A, B], [C]);
    assert.deepEqual(bench.list, [A, B]);
  });

  it('keeps an id, and what it is heard with later is taken up', () => {
    const bench = imported();
    bench.poll(A, { id: 'nacos-0', expect: 3 });
    bench.heartbeat(B);
    bench.do({ type: 'adopt' });
    bench.poll(B, { id: 'nacos-1' });
    const { members } = bench.cluster;
    assert.deepEqual([members.get(A)?.id, members.get(B)?.id], ['nacos-0', 'nacos-1']);
    assert.equal(members.get(B)?.source, 'poll');
  });
});
