import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { A, B, Bench, C, D, E } from './rules.js';

it('R5 waits when a static member is heard for the first time, whose node has just been started anew', () => {
  const bench = new Bench();
  bench.do({ type: 'put', addresses: [A, B, C] });
  bench.poll(D);
  bench.pass(60_000, [D]);
  bench.pass(28_000, [], [D]);
  bench.poll(A);
  bench.pass(25_000, [A], [D]);
  assert.ok(bench.list.includes(D));
  bench.pass(10_000, [A], [D]);
  assert.ok(!bench.list.includes(D));
});

describe('R5 Evict', () => {
  it('evicts a silent, unreachable member after 60 s and not before', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.pass(59_000, [A, B], [C]);
    assert.deepEqual(bench.list, [A, B, C]);
    bench.pass(2_000, [A, B], [C]);
    assert.deepEqual(bench.list, [A, B]);
    assert.deepEqual(bench.said().slice(-2), [`silent ${C}`, `evicted ${C}`]);
    assert.equal(bench.cluster.size, 3, 'it is meant to be replaced');
  });

  it('never evicts a member whose port answers', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.pass(600_000, [A, B], [C], 'open');
    assert.deepEqual(bench.list, [A, B, C]);
  });

  it('never evicts on an old probe', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.pass(40_000, [A, B], [C]);
    bench.pass(60_000, [A, B], []);
    assert.deepEqual(bench.list, [A, B, C]);
  });

  it('evicts after 30 s, and not before, when the replacement has settled', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.poll(D);
    bench.pass(26_000, [A, B, C, D]);
    assert.equal(bench.cluster.members.get(D)?.settled, true);
    bench.pass(28_000, [A, B, D], [C]);
    assert.deepEqual(bench.list, [A, B, C, D]);
    bench.pass(3_000, [A, B, D], [C]);
    assert.deepEqual(bench.list, [A, B, D]);
  });

  it('names the replacement of the same id', () => {
    const bench = new Bench().bootstrapWithIds(A, B, C);
    bench.pass(16_000, [A, B], [C]);
    bench.poll(D, { id: 'n2', expect: 3 });
    bench.pass(40_000, [A, B, D], [C]);
    assert.deepEqual(bench.list, [A, B, D]);
    assert.ok(bench.said().includes(`replaced ${C}`));
  });

  it('evicts one at a time, after the live have the previous change', () => {
    const bench = new Bench().bootstrap(A, B, C, D, E);
    bench.pass(61_000, [A, B, C], [D, E]);
    assert.equal(bench.list.length, 4);
    // Heard, but not delivered: nothing more happens, for as long as it takes.
    for (let second = 0; second < 30; second++) {
      bench.now += 1_000;
      for (const address of [A, B, C]) bench.hear(address);
      for (const address of [D, E]) bench.probe(address, 'unreachable');
      bench.do({ type: 'tick' });
    }
    assert.equal(bench.list.length, 4);
    for (const address of [A, B, C]) bench.poll(address);
    bench.do({ type: 'tick' });
    assert.equal(bench.list.length, 4, 'delivered, but not yet told to Raft');
    bench.pass(3_000, [], [D, E]);
    assert.deepEqual(bench.list, [A, B, C]);
  });

  it('never evicts static members', () => {
    const bench = new Bench();
    bench.do({ type: 'put', addresses: [A, B, C] });
    bench.pass(600_000, [A, B], [C]);
    assert.deepEqual(bench.list, [A, B, C]);
  });

  it('without probes, evicts by silence alone', () => {
    const bench = new Bench({ probe: false }).bootstrap(A, B, C);
    bench.pass(61_000, [A, B]);
    assert.deepEqual(bench.list, [A, B]);
  });

  it('keeps a member that only ever POSTed alive while its port answers', () => {
    const bench = new Bench();
    for (const address of [A, B, C]) bench.heartbeat(address, { expect: 3 });
    bench.pass(300_000, [A, B], [C], 'open');
    assert.equal(bench.cluster.members.get(C)?.presence, 'live');
    bench.pass(61_000, [A, B], [C]);
    bench.pass(20_000, [A, B], [C]);
    assert.deepEqual(bench.list, [A, B]);
  });
});

describe('R5 beside other deaths', () => {
  it('evicts nobody while another member may just have died, who may have been the leader', () => {
    const bench = new Bench().bootstrap(A, B, C, D, E);
    bench.pass(50_000, [A, B, C, D], [E]);
    // From now on D is silent too.
    bench.pass(29_000, [A, B, C], [D, E]);
    assert.ok(bench.list.includes(E));
    bench.pass(10_000, [A, B, C], [D, E]);
    assert.ok(!bench.list.includes(E));
  });

  it('counts the 30 s from the last open port', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.pass(90_000, [A, B], [C], 'open');
    bench.pass(29_000, [A, B], [C], 'refused');
    assert.deepEqual(bench.list, [A, B, C]);
    bench.pass(5_000, [A, B], [C], 'refused');
    assert.deepEqual(bench.list, [A, B]);
  });

  it('takes no newcomer for the replacement of one that has not settled', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.heartbeat(D);
    bench.pass(50_000, [A, B, C], [D], 'refused');
    assert.deepEqual(bench.list, [A, B, C, D], 'it boots');
  });

  it('counts on those who can be voters: newcomers do not make up for dead voters', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.poll(D);
    bench.poll(E);
    assert.deepEqual(bench.list, [A, B, C, D, E]);
    bench.pass(300_000, [C, D, E], [A, B]);
    assert.deepEqual(bench.list, [A, B, C, D, E], '3 of 5 are live, but only 1 of the 3 that can be voters');
    assert.equal(bench.cluster.quorumLost, true);
  });
});

describe('R6 Preserve', () => {
  it('evicts nobody without a live majority, says so once, and recovers by itself', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.said();
    bench.pass(300_000, [A], [B, C]);
    assert.deepEqual(bench.list, [A, B, C]);
    assert.equal(bench.said().filter((event) => event === 'quorum-lost').length, 1);
    assert.equal(bench.cluster.quorumLost, true);
    bench.poll(B);
    assert.equal(bench.cluster.quorumLost, false);
    assert.deepEqual(bench.said(), [`returned ${B}`, 'quorum-regained']);
  });

  it('evicts nobody at the moment a majority is back, whose members still boot', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.pass(300_000, [A], [B, C]);
    bench.pass(29_000, [A, B], [C]);
    assert.deepEqual(bench.list, [A, B, C]);
    bench.pass(7_000, [A, B], [C]);
    assert.deepEqual(bench.list, [A, B]);
  });

  it('does not evict one of two', () => {
    const bench = new Bench().bootstrap(A, B);
    bench.pass(300_000, [A], [B]);
    assert.deepEqual(bench.list, [A, B]);
  });
});

describe('R8 Grace', () => {
  it('evicts nobody before its end', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.graceUntil = bench.now + 90_000;
    bench.pass(89_000, [A, B], [C]);
    assert.deepEqual(bench.list, [A, B, C]);
    bench.pass(2_000, [A, B], [C]);
    assert.deepEqual(bench.list, [A, B]);
  });
});

describe('R10 Signs of death', () => {
  it('shows a refused port as down at once, and leaves the list alone', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.said();
    bench.now += 100;
    bench.probe(C, 'refused');
    bench.do({ type: 'tick' });
    assert.deepEqual(bench.said(), [`down ${C}`]);
    assert.deepEqual(bench.list, [A, B, C]);
    bench.now += 1;
    bench.poll(C);
    assert.deepEqual(bench.said(), [`returned ${C}`]);
  });

  it('takes no answer at all for no sign', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.said();
    bench.probe(C, 'unreachable');
    bench.do({ type: 'tick' });
    assert.deepEqual(bench.said(), []);
  });
});
