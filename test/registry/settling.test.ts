import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { graceTime } from '../../src/registry/rules.js';
import { whyUnsettled } from '../../src/registry/settling.js';
import { A, B, RuleHarness, C, D } from './harness.js';

function why(harness: RuleHarness): string | undefined {
  return whyUnsettled(harness.cluster.members.get(D)!, harness.cluster, harness);
}

/** Three initial members, and a fourth that has just joined. */
function joining(): RuleHarness {
  const harness = new RuleHarness().bootstrap(A, B, C);
  harness.poll(D);
  return harness;
}

describe('why a member has not settled', () => {
  it('says who lacks the list with it, how long it has run, and nothing when it has', () => {
    const harness = joining();
    harness.poll(A);
    const normal = 'That is normal for the first 20 s or so after it joined';
    const begin = `${D} is on the list of nacos/serverlist and has not settled yet: `;
    assert.equal(why(harness), `${begin}not yet sent the list with it: ${B}, ${C}. ${normal}`);
    harness.pass(5_000, [A, B, C, D]);
    harness.pass(7_000, [A, B, C, D]);
    assert.equal(
      why(harness),
      `${begin}all live members have had the list with it for 7 s of 20 s. ${normal}`,
    );
    harness.pass(13_000, [A, B, C, D]);
    assert.equal(why(harness), undefined);
    assert.ok(harness.cluster.members.get(D)?.settled);
  });

  it('starts anew when the server did not hear for a while, in which the joiner may have come back blank', () => {
    const harness = joining();
    harness.pass(18_000, [A, B, C, D]);
    // A restart: the lease clock stood still, and a grace begins.
    harness.graceUntil = harness.now + graceTime(harness.rules);
    harness.pass(4_000, [A, B, C, D]);
    // Its first poll since.
    harness.poll(D);
    harness.pass(19_000, [A, B, C, D]);
    assert.equal(harness.cluster.members.get(D)?.settled, false);
    harness.pass(2_000, [A, B, C, D]);
    assert.equal(harness.cluster.members.get(D)?.settled, true);
  });

  it('does not count on a member that has only just come back, nor on one whose Nacos still starts', () => {
    const alone = new RuleHarness().bootstrap(A);
    alone.pass(60_000, [A]);
    alone.probe(A, 'refused');
    alone.do({ type: 'tick' });
    alone.poll(A);
    alone.poll(D);
    alone.pass(29_000, [A, D]);
    assert.match(why(alone) ?? '', /: only 1 of 2 members are live, no majority\. /);
    alone.pass(20_000, [A, D]);
    assert.equal(alone.cluster.members.get(D)?.settled, false);
    alone.pass(6_000, [A, D]);
    assert.equal(alone.cluster.members.get(D)?.settled, true);

    const starting = new RuleHarness().bootstrap(A);
    starting.pass(60_000, [A]);
    starting.poll(D);
    for (let i = 0; i < 20; i++) {
      starting.heartbeat(A, { revision: starting.cluster.revision, starting: true });
      starting.pass(5_000, [D]);
    }
    assert.equal(starting.cluster.members.get(D)?.settled, false);
  });

  it('says that a group is seen to have no leader', () => {
    const harness = joining();
    harness.pass(10_000, [A, B, C, D]);
    harness.seen = { leaderless: ['raft'], whole: undefined };
    harness.pass(60_000, [A, B, C, D]);
    assert.equal(harness.cluster.members.get(D)?.settled, false);
    const raft = { ...harness.seen, readAt: harness.now };
    const { now, rules, graceUntil } = harness;
    const said = whyUnsettled(harness.cluster.members.get(D)!, harness.cluster, {
      now,
      rules,
      graceUntil,
      raft,
    });
    assert.match(said ?? '', /: raft has no leader that could make it a voter\. /);
  });

  it('says that it is not heard, or that there is no majority', () => {
    const silent = joining();
    silent.pass(16_000, [A, B, C]);
    assert.match(why(silent) ?? '', /: it is not heard\. /);
    const lost = joining();
    lost.pass(16_000, [D]);
    assert.match(why(lost) ?? '', /: only 1 of 4 members are live, no majority\. /);
  });
});
