import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Reply } from '../../src/registry/decide.js';
import { A, B, RuleHarness, C, D } from './harness.js';

const begin = (harness: RuleHarness, by = 'one'): Reply =>
  harness.do({ type: 'repair', action: 'begin', holder: by, note: 'plan' });
const step = (harness: RuleHarness, by = 'one', note = 'done'): Reply =>
  harness.do({ type: 'repair', action: 'step', holder: by, note });
const code = (reply: Reply): string => (reply.type === 'refused' ? reply.code : reply.type);

describe('a repair', () => {
  it('is one at a time, and its steps are events', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.said();
    assert.equal(code(begin(harness)), 'done');
    assert.equal(code(begin(harness, 'two')), 'repair-under-way');
    assert.equal(code(step(harness, 'two')), 'repair-lost');
    assert.equal(code(step(harness)), 'done');
    assert.equal(code(step(harness, 'one', '')), 'done', 'a sign of life is no event');
    assert.equal(
      code(harness.do({ type: 'repair', action: 'repaired', holder: 'one', note: 'all' })),
      'done',
    );
    assert.equal(code(begin(harness, 'two')), 'done');
    assert.deepEqual(harness.said(), ['repairing', 'repair-step', 'repaired', 'repairing']);
  });

  it('is over 30 s after it was last heard of, says so, and must not go on', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    begin(harness);
    harness.pass(29_000, [A, B, C]);
    step(harness, 'one', '');
    harness.pass(29_000, [A, B, C]);
    assert.equal(code(begin(harness, 'two')), 'repair-under-way');
    harness.said();
    harness.pass(2_000, [A, B, C]);
    assert.deepEqual(harness.said(), ['repair-stopped']);
    assert.equal(code(step(harness)), 'repair-lost');
    assert.equal(code(begin(harness, 'two')), 'done');
  });

  it('ends with the server that was alone with it', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    begin(harness);
    harness.said();
    harness.do({ type: 'resume' });
    assert.deepEqual(harness.said(), ['repair-stopped']);
    assert.equal(code(begin(harness, 'two')), 'done');
  });

  it('has nothing to repair where there is no list', () => {
    assert.equal(code(begin(new RuleHarness())), 'unknown');
  });

  it('holds the list still: nobody is admitted, evicted, put, deleted or recovered meanwhile', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(59_000, [A, B], [C]);
    begin(harness);
    const waits = harness.poll(D);
    assert.match(waits.type === 'waiting' ? waits.reason : '', /Raft is being repaired/);
    for (let i = 0; i < 3; i++) {
      harness.pass(20_000, [A, B, D], [C]);
      step(harness, 'one', '');
    }
    assert.deepEqual(harness.list, [A, B, C]);
    for (const command of [
      { type: 'put', addresses: [D] },
      { type: 'delete', addresses: [C] },
      { type: 'recover' },
      { type: 'leave', address: C, operator: { force: false } },
    ] as const) {
      assert.equal(code(harness.do(command)), 'repair-under-way', command.type);
    }
    harness.do({ type: 'repair', action: 'repair-stopped', holder: 'one', note: 'why' });
    harness.pass(5_000, [A, B, D], [C]);
    assert.ok(harness.list.includes(D));
  });

  it('does not hold up a node that leaves by its own word (R4)', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    begin(harness);
    assert.equal(code(harness.do({ type: 'leave', address: C })), 'left');
    assert.deepEqual(harness.list, [A, B]);
  });
});
