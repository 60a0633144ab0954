import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Reply } from '../../src/registry/decide.js';
import { A, B, Bench, C, D } from './rules.js';

const begin = (bench: Bench, by = 'one'): Reply =>
  bench.do({ type: 'repair', action: 'begin', holder: by, note: 'plan' });
const step = (bench: Bench, by = 'one', note = 'done'): Reply =>
  bench.do({ type: 'repair', action: 'step', holder: by, note });
const code = (reply: Reply): string => (reply.type === 'refused' ? reply.code : reply.type);

describe('a repair', () => {
  it('is one at a time, and its steps are events', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.said();
    assert.equal(code(begin(bench)), 'done');
    assert.equal(code(begin(bench, 'two')), 'repair-under-way');
    assert.equal(code(step(bench, 'two')), 'repair-lost');
    assert.equal(code(step(bench)), 'done');
    assert.equal(code(step(bench, 'one', '')), 'done', 'a sign of life is no event');
    assert.equal(code(bench.do({ type: 'repair', action: 'repaired', holder: 'one', note: 'all' })), 'done');
    assert.equal(code(begin(bench, 'two')), 'done');
    assert.deepEqual(bench.said(), ['repairing', 'repair-step', 'repaired', 'repairing']);
  });

  it('is over 30 s after it was last heard of, says so, and must not go on', () => {
    const bench = new Bench().bootstrap(A, B, C);
    begin(bench);
    bench.pass(29_000, [A, B, C]);
    step(bench, 'one', '');
    bench.pass(29_000, [A, B, C]);
    assert.equal(code(begin(bench, 'two')), 'repair-under-way');
    bench.said();
    bench.pass(2_000, [A, B, C]);
    assert.deepEqual(bench.said(), ['repair-stopped']);
    assert.equal(code(step(bench)), 'repair-lost');
    assert.equal(code(begin(bench, 'two')), 'done');
  });

  it('ends with the server that was alone with it', () => {
    const bench = new Bench().bootstrap(A, B, C);
    begin(bench);
    bench.said();
    bench.do({ type: 'resume' });
    assert.deepEqual(bench.said(), ['repair-stopped']);
    assert.equal(code(begin(bench, 'two')), 'done');
  });

  it('has nothing to repair where there is no list', () => {
    assert.equal(code(begin(new Bench())), 'unknown');
  });

  it('holds the list still: nobody is admitted, evicted, put, deleted or recovered meanwhile', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.pass(59_000, [A, B], [C]);
    begin(bench);
    const waits = bench.poll(D);
    assert.match(waits.type === 'waiting' ? waits.reason : '', /Raft is being repaired/);
    for (let i = 0; i < 3; i++) {
      bench.pass(20_000, [A, B, D], [C]);
      step(bench, 'one', '');
    }
    assert.deepEqual(bench.list, [A, B, C]);
    for (const command of [
      { type: 'put', addresses: [D] },
      { type: 'delete', addresses: [C] },
      { type: 'recover' },
      { type: 'leave', address: C, operator: { force: false } },
    ] as const) {
      assert.equal(code(bench.do(command)), 'repair-under-way', command.type);
    }
    bench.do({ type: 'repair', action: 'repair-stopped', holder: 'one', note: 'why' });
    bench.pass(5_000, [A, B, D], [C]);
    assert.ok(bench.list.includes(D));
  });

  it('does not hold up a node that leaves by its own word (R4)', () => {
    const bench = new Bench().bootstrap(A, B, C);
    begin(bench);
    assert.equal(code(bench.do({ type: 'leave', address: C })), 'left');
    assert.deepEqual(bench.list, [A, B]);
  });
});
