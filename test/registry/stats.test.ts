import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { statsOf, type ClusterStats } from '../../src/registry/stats.js';
import { A, B, RuleHarness, C, D, E } from './harness.js';

function stats({ cluster, now, rules, graceUntil }: RuleHarness): ClusterStats {
  return statsOf(cluster, { now, rules, graceUntil });
}

describe('a cluster in numbers', () => {
  it('that has nobody', () => {
    assert.deepEqual(stats(new RuleHarness()), {
      state: 'empty',
      members: { live: 0, silent: 0, down: 0, static: 0 },
      unsettled: 0,
      longestUnsettled: 0,
      waiting: 0,
      longestWait: 0,
      lacking: 0,
      revision: 0,
      epoch: 0,
      size: 0,
    });
  });

  it('that is bootstrapping: how many wait, and for how long the first has', () => {
    const harness = new RuleHarness();
    harness.poll(A, { expect: 3 });
    harness.pass(4_000, [A]);
    harness.poll(B, { expect: 3 });
    harness.pass(2_000, [A, B]);
    const { state, waiting, longestWait, epoch } = stats(harness);
    assert.deepEqual([state, waiting, longestWait, epoch], ['bootstrapping', 2, 6_000, 0]);
  });

  it('with members of every state', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.do({ type: 'put', addresses: [D, E] });
    harness.pass(20_000, [A, B], [C]);
    harness.probe(B, 'refused');
    assert.deepEqual(stats(harness).members, { live: 1, silent: 1, down: 1, static: 2 });
  });

  it('with a joiner: who lacks the revision, and for how long it has not settled', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.poll(D);
    const before = stats(harness);
    assert.deepEqual([before.revision, before.size, before.lacking, before.unsettled], [2, 3, 3, 1]);
    harness.poll(A);
    assert.equal(stats(harness).lacking, 2);
    harness.pass(7_000, [A, B, C, D]);
    const { lacking, unsettled, longestUnsettled } = stats(harness);
    assert.deepEqual([lacking, unsettled, longestUnsettled], [0, 1, 7_000]);
    harness.pass(25_000, [A, B, C, D]);
    assert.deepEqual([stats(harness).unsettled, stats(harness).longestUnsettled], [0, 0]);
  });

  it('whose majority is lost', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(16_000, [A], [B, C]);
    assert.equal(stats(harness).state, 'quorum-lost');
  });
});
