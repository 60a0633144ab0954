import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deliver, memberState } from '../../src/registry/lease.js';
import { lacking } from '../../src/registry/quorum.js';
import { A, B, RuleHarness, C, D, E } from './harness.js';

const state = (harness: RuleHarness, address: string): string =>
  memberState(harness.cluster.members.get(address)!, harness.rules, harness.now);

describe('A member with an agent', () => {
  it('is not presumed to have a list that its agent has not given it', () => {
    const harness = new RuleHarness();
    for (const address of [A, B, C]) harness.heartbeat(address, { expect: 3, revision: 0 });
    harness.do({ type: 'put', addresses: [D] });
    const { revision } = harness.cluster;
    for (let i = 0; i < 12; i++) {
      for (const address of [A, B, C]) harness.heartbeat(address, { revision: 1 });
      harness.pass(5_000);
    }
    assert.deepEqual(lacking(harness.cluster, revision, harness), [A, B, C]);
  });

  it('is not kept alive by a port that answers while it is silent', () => {
    const harness = new RuleHarness();
    for (const address of [A, B, C]) harness.heartbeat(address, { expect: 3, revision: 0 });
    harness.pass(20_000, [A, B], [C], 'open');
    assert.equal(state(harness, C), 'silent');
    harness.pass(600_000, [A, B], [C], 'open');
    assert.deepEqual(harness.list, [A, B, C], 'nor evicted');
  });

  it('is recorded as unhealthy once, and stays live until its lease runs out', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.said();
    const reportUnhealthy = (): void =>
      void harness.do({ type: 'unhealthy', address: C, problem: 'no answer for 6 s' });
    reportUnhealthy();
    assert.equal(harness.events[0]?.reason, 'its agent says: no answer for 6 s; it stays listed');
    assert.deepEqual(harness.said(), [`unhealthy ${C}`]);
    assert.equal(state(harness, C), 'live');
    harness.pass(16_000, [A, B], [C]);
    reportUnhealthy();
    assert.deepEqual(harness.said(), [`silent ${C}`], 'a silent one has nothing more to say');
    assert.deepEqual(harness.do({ type: 'unhealthy', address: D, problem: 'x' }), { type: 'unknown' });
  });

  it('does not settle while its Nacos starts, however long it is known', () => {
    const harness = new RuleHarness();
    for (const address of [A, B, C]) harness.heartbeat(address, { expect: 3, revision: 0 });
    for (const { lease } of harness.cluster.members.values())
      deliver(lease, harness.cluster.revision, harness.now);
    const beat = (starting: boolean): void => {
      for (const address of [A, B, C]) harness.heartbeat(address, { revision: harness.cluster.revision });
      harness.heartbeat(D, { revision: harness.cluster.revision, starting });
      for (const { lease } of harness.cluster.members.values())
        deliver(lease, harness.cluster.revision, harness.now);
      harness.pass(5_000);
    };
    harness.heartbeat(D, { revision: 0, starting: true });
    assert.ok(harness.list.includes(D), 'it is listed, and may start');
    for (let i = 0; i < 12; i++) beat(true);
    assert.equal(harness.cluster.members.get(D)?.settled, false);
    for (let i = 0; i < 6; i++) beat(false);
    assert.equal(harness.cluster.members.get(D)?.settled, true);
  });

  it('counts as just died while it starts again: it may have led (R5, injury 4)', () => {
    const harness = new RuleHarness();
    const all = [A, B, C, D, E];
    for (const address of all) harness.heartbeat(address, { expect: 5, revision: 0 });
    const beat = (starting: boolean, seconds: number): void => {
      for (let i = 0; i < seconds; i += 5) {
        for (const address of [A, B, C, D]) {
          harness.heartbeat(address, {
            revision: harness.cluster.revision,
            starting: starting && address === A,
          });
        }
        for (const { lease } of harness.cluster.members.values())
          deliver(lease, harness.cluster.revision, harness.now);
        harness.pass(5_000, [], [E]);
      }
    };
    beat(false, 55);
    assert.deepEqual(harness.list, all);
    // The leader's container was killed and starts anew within its lease, just before E would go.
    beat(true, 30);
    beat(false, 20);
    assert.deepEqual(harness.list, all, 'the others may have no leader yet');
    beat(false, 15);
    assert.deepEqual(harness.list, [A, B, C, D]);
  });

  it('does not count for an eviction while it has not been well for a while (R5)', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(40_000, [A, B, C]);
    harness.pass(59_000, [A, B], [C]);
    harness.do({ type: 'unhealthy', address: B, problem: 'x' });
    harness.pass(20_000, [A, B], [C]);
    assert.deepEqual(harness.list, [A, B, C], 'B may not be able to vote');
    harness.pass(15_000, [A, B], [C]);
    assert.deepEqual(harness.list, [A, B]);
  });
});
