import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Throttle } from '../../src/cli/throttle.js';
import { eventually } from '../support/eventually.js';

test('what is asked for often is done seldom, and once more for what came while it was done', async (t) => {
  const doneAt: number[] = [];
  let finish: (() => void) | undefined;
  const throttle = new Throttle(() => {
    doneAt.push(performance.now());
    return new Promise((resolve) => (finish = resolve));
  }, 100);
  t.after(() => throttle.stop());
  throttle.ask();
  await eventually('it is done', () => doneAt.length === 1);
  for (let i = 0; i < 5; i++) throttle.ask();
  const finishedAt = performance.now();
  finish!();
  await eventually('it is done again', () => doneAt.length === 2);
  // Timers may fire a millisecond early.
  assert.ok(doneAt[1]! - finishedAt >= 98);
  const again = performance.now();
  finish!();
  throttle.ask();
  await eventually('and again', () => doneAt.length === 3);
  assert.ok(doneAt[2]! - again >= 98);
  assert.equal(doneAt.length, 3);
});

test('a failure is told', async () => {
  const throttle = new Throttle(() => Promise.reject(new Error('no')), 10);
  throttle.ask();
  await assert.rejects(throttle.failed, /^Error: no$/);
});
