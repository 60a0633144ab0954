import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { graceTime } from '../../src/registry/rules.js';
import { whyUnsettled } from '../../src/registry/settling.js';
import { A, B, Bench, C, D } from './rules.js';

function why(bench: Bench): string | undefined {
  return whyUnsettled(bench.cluster.members.get(D)!, bench.cluster, bench);
}

/** Three initial members, and a fourth that has just joined. */
function joining(): Bench {
  const bench = new Bench().bootstrap(A, B, C);
  bench.poll(D);
  return bench;
}

describe('why a member has not settled', () => {
  it('says who lacks the list with it, how long it has run, and nothing when it has', () => {
    const bench = joining();
    bench.poll(A);
    const normal = 'That is normal for the first 20 s or so after it joined';
    const begin = `${D} is on the list of nacos/serverlist and has not settled yet: `;
    assert.equal(why(bench), `${begin}not yet sent the list with it: ${B}, ${C}. ${normal}`);
    bench.pass(5_000, [A, B, C, D]);
    bench.pass(7_000, [A, B, C, D]);
    assert.equal(why(bench), `${begin}all live members have had the list with it for 7 s of 20 s. ${normal}`);
    bench.pass(13_000, [A, B, C, D]);
    assert.equal(why(bench), undefined);
    assert.ok(bench.cluster.members.get(D)?.settled);
  });

  it('starts anew when the server did not hear for a while, in which the joiner may have come back blank', () => {
    const bench = joining();
    bench.pass(18_000, [A, B, C, D]);
    // A restart: the hearing clock stood still, and a grace begins.
    bench.graceUntil = bench.now + graceTime(bench.rules);
    bench.pass(4_000, [A, B, C, D]);
    // Its first poll since.
    bench.poll(D);
    bench.pass(19_000, [A, B, C, D]);
    assert.equal(bench.cluster.members.get(D)?.settled, false);
    bench.pass(2_000, [A, B, C, D]);
    assert.equal(bench.cluster.members.get(D)?.settled, true);
  });

  it('does not count on a member that has only just come back, nor on one whose Nacos still starts', () => {
    const alone = new Bench().bootstrap(A);
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

    const starting = new Bench().bootstrap(A);
    starting.pass(60_000, [A]);
    starting.poll(D);
    for (let i = 0; i < 20; i++) {
      starting.heartbeat(A, { revision: starting.cluster.revision, starting: true });
      starting.pass(5_000, [D]);
    }
    assert.equal(starting.cluster.members.get(D)?.settled, false);
  });

  it('says that a group is seen to have no leader', () => {
    const bench = joining();
    bench.pass(10_000, [A, B, C, D]);
    bench.seen = { leaderless: ['raft'], whole: undefined };
    bench.pass(60_000, [A, B, C, D]);
    assert.equal(bench.cluster.members.get(D)?.settled, false);
    const raft = { ...bench.seen, readAt: bench.now };
    const { now, rules, graceUntil } = bench;
    const said = whyUnsettled(bench.cluster.members.get(D)!, bench.cluster, { now, rules, graceUntil, raft });
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
