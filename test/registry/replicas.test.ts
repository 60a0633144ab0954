import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decide } from '../../src/registry/decide.js';
import { isOverdue } from '../../src/registry/agreement.js';
import { doOthersKnow, isAnyBehind } from '../../src/registry/replicas.js';
import { LIST_CURRENT, REPLICA_FRESH, REPLICA_LOST_AFTER } from '../../src/registry/rules.js';
import { RuleHarness } from './harness.js';

const NOW = 1_000_000;
const seen = (ago: number, change: number) => ({ seenAt: NOW - ago, seenChange: change });

describe('several servers', () => {
  it('wait for one that is gone without a word, but not for ever', () => {
    assert.ok(!isOverdue(seen(REPLICA_LOST_AFTER, 6), NOW));
    assert.ok(isOverdue(seen(REPLICA_LOST_AFTER + 1, 6), NOW));
  });

  it('give one up later than it stops by itself, whatever the clocks do', () => {
    assert.ok(REPLICA_LOST_AFTER - LIST_CURRENT >= 10_000);
  });

  it('know of a silence when all have the change and were seen just now', () => {
    assert.ok(doOthersKnow([seen(REPLICA_FRESH, 7)], 7, NOW));
    assert.ok(!doOthersKnow([seen(REPLICA_FRESH, 6)], 7, NOW), 'one has not read it');
    assert.ok(!doOthersKnow([seen(REPLICA_FRESH + 1, 7)], 7, NOW), 'one cannot say what it hears');
    assert.ok(doOthersKnow([], 7, NOW), 'all others were given up');
  });
});

describe('a list that a member may not have', () => {
  const [A, B, C] = ['a.b:1', 'c.d:1', 'e.f:1'] as const;

  it('is the one before the newest, of one that has an older one and is not down', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.do({ type: 'leave', address: C });
    const before = harness.cluster;
    assert.ok(isAnyBehind(before, harness.cluster), 'nobody has been sent the list without C');
    harness.poll(A);
    assert.ok(isAnyBehind(before, harness.cluster), 'B has not');
    harness.probe(B, 'refused');
    harness.do({ type: 'tick' });
    assert.ok(!isAnyBehind(before, harness.cluster), 'B starts anew, without a list');
    harness.poll(B);
    assert.ok(!isAnyBehind(before, harness.cluster));
  });

  it('is nothing that is known of one that never polls for itself', () => {
    const harness = new RuleHarness().bootstrap(A);
    harness.heartbeat(B);
    const before = harness.cluster;
    harness.poll(A);
    assert.ok(before.members.has(B));
    assert.ok(!isAnyBehind(before, before));
  });
});

describe('R5 with several servers', () => {
  const [A, B, C] = ['a.b:1', 'c.d:1', 'e.f:1'] as const;

  /** C has been silent and unreachable for long enough, and a tick is due. */
  function overdue(): RuleHarness {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.graceUntil = Infinity;
    harness.pass(90_000, [A, B], [C]);
    harness.graceUntil = 0;
    assert.ok(harness.cluster.members.has(C));
    return harness;
  }

  const tick = (harness: RuleHarness, othersKnow?: boolean): boolean =>
    decide(
      harness.cluster,
      { type: 'tick' },
      {
        now: harness.now,
        rules: harness.rules,
        graceUntil: 0,
        clusters: 1,
        ...(othersKnow === undefined ? {} : { othersKnow }),
      },
    ).cluster.members.has(C);

  it('evicts nobody on one server’s view', () => {
    assert.ok(tick(overdue(), false));
    assert.ok(!tick(overdue(), true));
    assert.ok(!tick(overdue()), 'a server alone knows all there is');
  });

  it('bootstraps nothing again on one server’s view', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(70_000, [], [A, B, C]);
    const joiners = ['x.y:1', 'x.y:2', 'x.y:3'];
    const bootstrapsAgain = (othersKnow: boolean): boolean => {
      let cluster = harness.cluster;
      for (const [i, address] of [...joiners, ...joiners].entries()) {
        const now = harness.now + (i < joiners.length ? 0 : 8_000);
        cluster = decide(
          cluster,
          { type: 'poll', address, source: 'poll', connectedAt: now },
          { now, rules: harness.rules, graceUntil: 0, clusters: 1, othersKnow },
        ).cluster;
      }
      return cluster.epoch === 2;
    };
    assert.ok(!bootstrapsAgain(false));
    assert.ok(bootstrapsAgain(true));
  });
});
