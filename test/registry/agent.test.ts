import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deliver, memberState } from '../../src/registry/lease.js';
import { lacking } from '../../src/registry/quorum.js';
import { A, B, Bench, C, D, E } from './rules.js';

const state = (bench: Bench, address: string): string =>
  memberState(bench.cluster.members.get(address)!, bench.rules, bench.now);

describe('A member with an agent', () => {
  it('is not presumed to have a list that its agent has not given it', () => {
    const bench = new Bench();
    for (const address of [A, B, C]) bench.heartbeat(address, { expect: 3, revision: 0 });
    bench.do({ type: 'put', addresses: [D] });
    const { revision } = bench.cluster;
    for (let i = 0; i < 12; i++) {
      for (const address of [A, B, C]) bench.heartbeat(address, { revision: 1 });
      bench.pass(5_000);
    }
    assert.deepEqual(lacking(bench.cluster, revision, bench), [A, B, C]);
  });

  it('is not kept alive by a port that answers while it is silent', () => {
    const bench = new Bench();
    for (const address of [A, B, C]) bench.heartbeat(address, { expect: 3, revision: 0 });
    bench.pass(20_000, [A, B], [C], 'open');
    assert.equal(state(bench, C), 'silent');
    bench.pass(600_000, [A, B], [C], 'open');
    assert.deepEqual(bench.list, [A, B, C], 'nor evicted');
  });

  it('is recorded as unhealthy once, and stays live until its lease runs out', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.said();
    const reportUnhealthy = (): void => void bench.do({ type: 'unhealthy', address: C, problem: 'no answer for 6 s' });
    reportUnhealthy();
    assert.equal(bench.events[0]?.reason, 'its agent says: no answer for 6 s; it stays listed');
    assert.deepEqual(bench.said(), [`unhealthy ${C}`]);
    assert.equal(state(bench, C), 'live');
    bench.pass(16_000, [A, B], [C]);
    reportUnhealthy();
    assert.deepEqual(bench.said(), [`silent ${C}`], 'a silent one has nothing more to say');
    assert.deepEqual(bench.do({ type: 'unhealthy', address: D, problem: 'x' }), { type: 'unknown' });
  });

  it('does not settle while its Nacos starts, however long it is known', () => {
    const bench = new Bench();
    for (const address of [A, B, C]) bench.heartbeat(address, { expect: 3, revision: 0 });
    for (const { lease } of bench.cluster.members.values()) deliver(lease, bench.cluster.revision, bench.now);
    const beat = (starting: boolean): void => {
      for (const address of [A, B, C]) bench.heartbeat(address, { revision: bench.cluster.revision });
      bench.heartbeat(D, { revision: bench.cluster.revision, starting });
      for (const { lease } of bench.cluster.members.values())
        deliver(lease, bench.cluster.revision, bench.now);
      bench.pass(5_000);
    };
    bench.heartbeat(D, { revision: 0, starting: true });
    assert.ok(bench.list.includes(D), 'it is listed, and may start');
    for (let i = 0; i < 12; i++) beat(true);
    assert.equal(bench.cluster.members.get(D)?.settled, false);
    for (let i = 0; i < 6; i++) beat(false);
    assert.equal(bench.cluster.members.get(D)?.settled, true);
  });

  it('counts as just died while it starts again: it may have led (R5, injury 4)', () => {
    const bench = new Bench();
    const all = [A, B, C, D, E];
    for (const address of all) bench.heartbeat(address, { expect: 5, revision: 0 });
    const beat = (starting: boolean, seconds: number): void => {
      for (let i = 0; i < seconds; i += 5) {
        for (const address of [A, B, C, D]) {
          bench.heartbeat(address, { revision: bench.cluster.revision, starting: starting && address === A });
        }
        for (const { lease } of bench.cluster.members.values())
          deliver(lease, bench.cluster.revision, bench.now);
        bench.pass(5_000, [], [E]);
      }
    };
    beat(false, 55);
    assert.deepEqual(bench.list, all);
    // The leader's container was killed and starts anew within its lease, just before E would go.
    beat(true, 30);
    beat(false, 20);
    assert.deepEqual(bench.list, all, 'the others may have no leader yet');
    beat(false, 15);
    assert.deepEqual(bench.list, [A, B, C, D]);
  });

  it('does not count for an eviction while it has not been well for a while (R5)', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.pass(40_000, [A, B, C]);
    bench.pass(59_000, [A, B], [C]);
    bench.do({ type: 'unhealthy', address: B, problem: 'x' });
    bench.pass(20_000, [A, B], [C]);
    assert.deepEqual(bench.list, [A, B, C], 'B may not be able to vote');
    bench.pass(15_000, [A, B], [C]);
    assert.deepEqual(bench.list, [A, B]);
  });
});
