import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { figuresOf, type ClusterFigures } from '../../src/registry/figures.js';
import { A, B, Bench, C, D, E } from './rules.js';

function figures({ cluster, now, rules, graceUntil }: Bench): ClusterFigures {
  return figuresOf(cluster, { now, rules, graceUntil });
}

describe('a cluster in numbers', () => {
  it('that has nobody', () => {
    assert.deepEqual(figures(new Bench()), {
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
    const bench = new Bench();
    bench.poll(A, { expect: 3 });
    bench.pass(4_000, [A]);
    bench.poll(B, { expect: 3 });
    bench.pass(2_000, [A, B]);
    const { state, waiting, longestWait, epoch } = figures(bench);
    assert.deepEqual([state, waiting, longestWait, epoch], ['bootstrapping', 2, 6_000, 0]);
  });

  it('with members of every state', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.do({ type: 'put', addresses: [D, E] });
    bench.pass(20_000, [A, B], [C]);
    bench.probe(B, 'refused');
    assert.deepEqual(figures(bench).members, { live: 1, silent: 1, down: 1, static: 2 });
  });

  it('with a joiner: who lacks the revision, and for how long it has not settled', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.poll(D);
    const before = figures(bench);
    assert.deepEqual([before.revision, before.size, before.lacking, before.unsettled], [2, 3, 3, 1]);
    bench.poll(A);
    assert.equal(figures(bench).lacking, 2);
    bench.pass(7_000, [A, B, C, D]);
    const { lacking, unsettled, longestUnsettled } = figures(bench);
    assert.deepEqual([lacking, unsettled, longestUnsettled], [0, 1, 7_000]);
    bench.pass(25_000, [A, B, C, D]);
    assert.deepEqual([figures(bench).unsettled, figures(bench).longestUnsettled], [0, 0]);
  });

  it('whose majority is lost', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.pass(16_000, [A], [B, C]);
    assert.equal(figures(bench).state, 'quorum-lost');
  });
});
