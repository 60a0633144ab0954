import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LeaseClock } from '../../src/runtime/lease-clock.js';
import { ManualTime } from '../support/server.js';

describe('the lease clock', () => {
  const setUp = () => {
    const time = new ManualTime();
    return { time, clock: new LeaseClock(time) };
  };

  it('runs with time while it is ticked', () => {
    const { time, clock } = setUp();
    for (let i = 0; i < 40; i++) {
      time.pass(250);
      assert.equal(clock.tick(), 0);
    }
    assert.equal(clock.now(), 10_000);
  });

  it('runs between two ticks', () => {
    const { time, clock } = setUp();
    time.pass(400);
    assert.equal(clock.now(), 400);
  });

  it('does not count a pause, which is seen before the next tick already', () => {
    const { time, clock } = setUp();
    time.pass(1_500);
    assert.ok(!clock.isBehind);
    time.pass(58_500);
    assert.ok(clock.isBehind, 'what is heard now is decided with grace (R8)');
    assert.equal(clock.now(), 1_500);
    assert.equal(clock.tick(), 60_000);
    assert.ok(!clock.isBehind);
    assert.equal(clock.now(), 1_500);
    time.pass(250);
    assert.equal(clock.tick(), 0);
    assert.equal(clock.now(), 1_750);
  });

  it('reports a suspended machine, whose monotonic clock stood still', () => {
    const { time, clock } = setUp();
    time.jump(3_600_000);
    assert.equal(clock.tick(), 3_600_000);
    assert.equal(clock.now(), 0);
  });

  it('is not moved by a wall clock that jumps back', () => {
    const { time, clock } = setUp();
    time.pass(250);
    time.jump(-3_600_000);
    assert.ok(clock.tick() > 0);
    assert.equal(clock.now(), 250);
  });

  it('goes on from a stored value, and never back', () => {
    const { time, clock } = setUp();
    clock.resumeAt(5_000);
    time.pass(100);
    assert.equal(clock.now(), 5_100);
    clock.resumeAt(1_000);
    assert.equal(clock.now(), 5_000);
  });

  it('takes over the shared clock after a pause, and says what was heard since in the times before', () => {
    const { time, clock } = setUp();
    clock.resumeAt(10_000);
    time.pass(250);
    clock.tick();
    time.pass(90_000);
    const waited = clock.now();
    clock.tick();
    time.pass(400);
    const heard = clock.now();
    const { since, by } = clock.catchUp(100_650);
    assert.equal(clock.now(), 100_650);
    assert.equal(heard + by, 100_650);
    assert.ok(since <= heard);
    assert.ok(
      since > waited,
      'what a socket had before the tick that notices the pause may be as old as the pause',
    );
    assert.deepEqual(clock.catchUp(100_700), { since: since + by, until: 100_650, by: 50 });
  });

  it('does not take what was heard before a pause for later when nobody has noticed the pause yet', () => {
    const { time, clock } = setUp();
    clock.resumeAt(10_000);
    time.pass(250);
    clock.tick();
    const before = clock.now();
    time.pass(90_000);
    assert.ok(clock.catchUp(100_250).since > before);
  });

  it('takes what is read until a quarter of a second after a pause was noticed for said before the pause', () => {
    const { time, clock } = setUp();
    clock.resumeAt(10_000);
    time.pass(250);
    clock.tick();
    assert.ok(!clock.readsWhatWaited);
    assert.equal(clock.saidAt(), 10_250);
    time.pass(90_000);
    assert.ok(clock.readsWhatWaited, 'before the pause is noticed');
    assert.equal(clock.saidAt(), 10_250);
    clock.catchUp(100_250);
    assert.equal(clock.saidAt(), 10_250, 'nor does the shared clock say that it is of now');
    assert.ok(clock.tick() > 0);
    assert.equal(clock.saidAt(), 10_250);
    time.pass(249);
    assert.ok(clock.readsWhatWaited);
    time.pass(1);
    assert.ok(!clock.readsWhatWaited);
    assert.equal(clock.saidAt(), clock.now());
  });

  it('tells for how long it stood still since it went on from the shared clock, noticed or not', () => {
    const { time, clock } = setUp();
    clock.syncTo(10_000);
    time.pass(250);
    clock.tick();
    const stoodFor = (): number => clock.stood?.by ?? 0;
    assert.equal(stoodFor(), 0);
    time.pass(100);
    const heard = clock.now();
    time.pass(89_900);
    const { at, by } = clock.stood!;
    assert.ok(at >= heard && at < clock.now(), 'what was heard before is not later');
    assert.equal(by, 88_500);
    clock.tick();
    assert.deepEqual(clock.stood, { at, by });
    time.pass(5_000);
    clock.tick();
    assert.equal(stoodFor(), 88_500 + 3_500);
    clock.syncTo(12_000);
    assert.equal(stoodFor(), 0);
  });

  it('takes what waited while the shared clock stood, too, for said before that', () => {
    const { time, clock } = setUp();
    clock.syncTo(10_000);
    for (let i = 0; i < 40; i++) {
      time.pass(250);
      clock.tick();
    }
    time.pass(60_000);
    clock.tick();
    assert.equal(clock.saidAt(), 20_000);
    // It stood still for as long as the others could not reach the database, and was not ahead of theirs afterwards.
    clock.syncTo(21_000);
    assert.ok(clock.readsWhatWaited);
    assert.ok(clock.saidAt() <= 10_000);
  });

  it('takes what it has heard since the shared clock was behind for heard then', () => {
    const { time, clock } = setUp();
    clock.resumeAt(10_000);
    time.pass(1_000);
    clock.tick();
    clock.syncTo(8_000);
    assert.deepEqual(clock.catchUp(9_000), { since: 7_000, until: 8_000, by: 1_000 });
  });
});
