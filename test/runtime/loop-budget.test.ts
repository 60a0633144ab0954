import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoopBudget } from '../../src/util/loop-budget.js';

/** A share whose time and turns the test makes. */
function scene() {
  let now = 0;
  const turns: (() => void)[] = [];
  const done: string[] = [];
  const share = new LoopBudget(
    () => now,
    (resume) => turns.push(resume),
  );
  const run = (name: string, ms: number, isUrgent = false): void =>
    share.run(() => {
      done.push(name);
      now += ms;
    }, isUrgent);
  /** The next turn, if there is one. */
  const turn = (): boolean => {
    const resume = turns.shift();
    resume?.();
    return resume !== undefined;
  };
  return { share, run, turn, done, turns };
}

test('work runs at once while there is time, and then in later turns in its order', () => {
  const { run, turn, done } = scene();
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) run(name, 1);
  assert.deepEqual(done, ['a', 'b'], '2 ms are spent');
  turn();
  assert.deepEqual(done, ['a', 'b', 'c', 'd']);
  run('g', 0);
  assert.deepEqual(done, ['a', 'b', 'c', 'd'], 'nobody overtakes those who wait');
  turn();
  assert.deepEqual(done, ['a', 'b', 'c', 'd', 'e', 'f']);
  turn();
  assert.deepEqual(done, ['a', 'b', 'c', 'd', 'e', 'f', 'g']);
  assert.equal(turn(), false, 'then there are no more turns');
});

test('each turn has its time anew, and long work is done whole', () => {
  const { run, turn, done } = scene();
  run('long', 50);
  run('a', 1);
  assert.deepEqual(done, ['long']);
  turn();
  assert.deepEqual(done, ['long', 'a']);
  turn();
  run('b', 1);
  assert.deepEqual(done, ['long', 'a', 'b'], 'at once again');
});

test('work that throws holds up nobody', () => {
  const { share, run, turn, done } = scene();
  run('long', 5);
  share.run(() => {
    throw new Error('broken');
  });
  run('after', 1);
  assert.throws(turn, /broken/);
  turn();
  assert.deepEqual(done, ['long', 'after']);
});

test('urgent work comes before all that waits, of which one piece is done in each turn all the same', () => {
  const { run, turn, done } = scene();
  run('long', 5);
  for (const name of ['a', 'b', 'c']) run(name, 1);
  for (const name of ['U', 'V', 'W']) run(name, 1, true);
  assert.deepEqual(done, ['long']);
  turn();
  assert.deepEqual(done, ['long', 'a', 'U']);
  turn();
  assert.deepEqual(done, ['long', 'a', 'U', 'b', 'V']);
  turn();
  assert.deepEqual(done, ['long', 'a', 'U', 'b', 'V', 'c', 'W']);
});

test('work with a result is counted, and its error is told', async () => {
  const { share, run, turn, done } = scene();
  run('long', 5);
  const [three, broken] = [
    share.call(() => 3),
    share.call(() => {
      throw new Error('broken');
    }),
  ];
  assert.deepEqual(done, ['long'], 'it waits');
  turn();
  assert.equal(await three, 3);
  await assert.rejects(broken, /broken/);
});

test('while connections come a turn is an eighth as long, and what takes longer is made up for', () => {
  const { share, run, turn, done } = scene();
  const arrive = (): void => {
    share.arrived();
    turn();
  };
  run('long', 10);
  for (let i = 0; i < 20; i++) run(String(i), 0.5);
  for (let i = 0; i < 39; i++) arrive();
  assert.deepEqual(done, ['long'], 'its 10 ms are those of 40 turns');
  for (let i = 0; i < 5; i++) arrive();
  assert.deepEqual(done, ['long', '0', '1', '2'], 'half a millisecond is that of two');
  turn();
  assert.equal(done.length, 8, 'a turn in which none came has 2 ms again');
});

test('urgent work does not make up for what other work took while connections come', () => {
  const { share, run, turn, done } = scene();
  run('long', 10);
  for (const name of ['U', 'V', 'W']) run(name, 1, true);
  share.arrived();
  turn();
  assert.deepEqual(done, ['long', 'U', 'V'], 'its 2 ms of the turn are its own');
  run('a', 1);
  share.arrived();
  turn();
  assert.deepEqual(done, ['long', 'U', 'V', 'W'], 'other work does');
});
