import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LIST_CURRENT, SILENT_UNTOLD } from '../../src/registry/rules.js';
import { ServingLease } from '../../src/runtime/serving-lease.js';
import { ManualTime } from '../support/server.js';

function servingLease(others: boolean): { time: ManualTime; servingLease: ServingLease } {
  const time = new ManualTime();
  const servingLease = new ServingLease(time);
  servingLease.renewed(servingLease.begin(), others);
  return { time, servingLease };
}

describe('a server that loses the store', () => {
  it('alone speaks for ever', () => {
    const { time, servingLease: alone } = servingLease(false);
    time.pass(24 * 3_600_000);
    assert.ok(alone.isValid() && alone.mayAnswerForSilent());
  });

  it('with others speaks for as long as they wait for it', () => {
    const { time, servingLease: one } = servingLease(true);
    time.pass(LIST_CURRENT - 1);
    assert.ok(one.isValid());
    time.pass(1);
    assert.ok(!one.isValid());
    one.renewed(one.begin(), true);
    assert.ok(one.isValid());
  });

  it('does not speak once the others have given it up', () => {
    const { servingLease: one } = servingLease(true);
    one.lose();
    assert.ok(!one.isValid() && !one.mayAnswerForSilent());
    one.renewed(one.begin(), true);
    assert.ok(one.isValid());
  });

  it('counts from when it asked, not from the answer', () => {
    const { time, servingLease: one } = servingLease(true);
    const mark = one.begin();
    time.pass(LIST_CURRENT - 1_000);
    one.renewed(mark, true);
    assert.ok(one.isValid());
    time.pass(1_000);
    assert.ok(!one.isValid());
  });

  it('notices that its machine was suspended, whose monotonic clock stood still', () => {
    const { time, servingLease: one } = servingLease(true);
    time.jump(LIST_CURRENT);
    assert.ok(!one.isValid());
  });

  it('does not answer for a silent member before the others evict nobody any more', () => {
    const { time, servingLease: one } = servingLease(true);
    time.pass(SILENT_UNTOLD);
    assert.ok(!one.mayAnswerForSilent());
    time.pass(1);
    assert.ok(one.mayAnswerForSilent());
  });

  it('does not do so either while the others may be told that they know all it heard', () => {
    const { time, servingLease: one } = servingLease(true);
    time.pass(SILENT_UNTOLD + 1);
    one.telling();
    assert.ok(!one.mayAnswerForSilent(), 'whether the answer comes or not');
    time.pass(SILENT_UNTOLD + 1);
    assert.ok(one.mayAnswerForSilent());
  });
});
