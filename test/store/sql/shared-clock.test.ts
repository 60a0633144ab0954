import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readClock } from '../../../src/store/sql/shared-clock.js';

const HOUR = 3_600_000;
const at = { hearing: 50_000, database: 1_700_000_000_000 };
const after = (ms: number): ReturnType<typeof readClock> => readClock(at, at.database + ms);

describe('the clock that several servers share', () => {
  it('runs with the database’s while somebody hears', () => {
    assert.deepEqual(after(700), { now: 50_700, missedMs: 0, isSetBack: false });
    assert.deepEqual(after(3_000), { now: 53_000, missedMs: 0, isSetBack: false });
  });

  it('stands while nobody does, and tells', () => {
    assert.deepEqual(after(HOUR), { now: 53_000, missedMs: HOUR, isSetBack: false });
  });

  it('never goes back, when the database’s does', () => {
    assert.deepEqual(after(-500), { now: 50_000, missedMs: 0, isSetBack: false });
    assert.deepEqual(after(-HOUR), { now: 50_000, missedMs: HOUR, isSetBack: true });
  });

  it('begins where it is', () => {
    assert.deepEqual(readClock({ hearing: 0, database: 0 }, at.database), {
      now: 0,
      missedMs: 0,
      isSetBack: true,
    });
  });
});
