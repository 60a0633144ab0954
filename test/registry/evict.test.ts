import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { A, B, RuleHarness, C, D, E } from './harness.js';

it('R5 waits when a static member is heard for the first time, whose node has just been started anew', () => {
  const harness = new RuleHarness();
  harness.do({ type: 'put', addresses: [A, B, C] });
  harness.poll(D);
  harness.pass(60_000, [D]);
  harness.pass(28_000, [], [D]);
  harness.poll(A);
  harness.pass(25_000, [A], [D]);
  assert.ok(harness.list.includes(D));
  harness.pass(10_000, [A], [D]);
  assert.ok(!harness.list.includes(D));
});

describe('R5 Evict', () => {
  it('evicts a silent, unreachable member after 60 s and not before', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(59_000, [A, B], [C]);
    assert.deepEqual(harness.list, [A, B, C]);
    harness.pass(2_000, [A, B], [C]);
    assert.deepEqual(harness.list, [A, B]);
    assert.deepEqual(harness.said().slice(-2), [`silent ${C}`, `evicted ${C}`]);
    assert.equal(harness.cluster.size, 3, 'it is meant to be replaced');
  });

  it('never evicts a member whose port answers', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(600_000, [A, B], [C], 'open');
    assert.deepEqual(harness.list, [A, B, C]);
  });

  it('never evicts on an old probe', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(40_000, [A, B], [C]);
    harness.pass(60_000, [A, B], []);
    assert.deepEqual(harness.list, [A, B, C]);
  });

  it('evicts after 30 s, and not before, when the replacement has settled', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.poll(D);
    harness.pass(26_000, [A, B, C, D]);
    assert.equal(harness.cluster.members.get(D)?.settled, true);
    harness.pass(28_000, [A, B, D], [C]);
    assert.deepEqual(harness.list, [A, B, C, D]);
    harness.pass(3_000, [A, B, D], [C]);
    assert.deepEqual(harness.list, [A, B, D]);
  });

  it('names the replacement of the same id', () => {
    const harness = new RuleHarness().bootstrapWithIds(A, B, C);
    harness.pass(16_000, [A, B], [C]);
    harness.poll(D, { id: 'n2', expect: 3 });
    harness.pass(40_000, [A, B, D], [C]);
    assert.deepEqual(harness.list, [A, B, D]);
    assert.ok(harness.said().includes(`replaced ${C}`));
  });

  it('evicts one at a time, after the live have the previous change', () => {
    const harness = new RuleHarness().bootstrap(A, B, C, D, E);
    harness.pass(61_000, [A, B, C], [D, E]);
    assert.equal(harness.list.length, 4);
    // Heard, but not delivered: nothing more happens, for as long as it takes.
    for (let second = 0; second < 30; second++) {
      harness.now += 1_000;
      for (const address of [A, B, C]) harness.hear(address);
      for (const address of [D, E]) harness.probe(address, 'unreachable');
      harness.do({ type: 'tick' });
    }
    assert.equal(harness.list.length, 4);
    for (const address of [A, B, C]) harness.poll(address);
    harness.do({ type: 'tick' });
    assert.equal(harness.list.length, 4, 'delivered, but not yet told to Raft');
    harness.pass(3_000, [], [D, E]);
    assert.deepEqual(harness.list, [A, B, C]);
  });

  it('never evicts static members', () => {
    const harness = new RuleHarness();
    harness.do({ type: 'put', addresses: [A, B, C] });
    harness.pass(600_000, [A, B], [C]);
    assert.deepEqual(harness.list, [A, B, C]);
  });

  it('without probes, evicts by silence alone', () => {
    const harness = new RuleHarness({ probe: false }).bootstrap(A, B, C);
    harness.pass(61_000, [A, B]);
    assert.deepEqual(harness.list, [A, B]);
  });

  it('keeps a member that only ever POSTed alive while its port answers', () => {
    const harness = new RuleHarness();
    for (const address of [A, B, C]) harness.heartbeat(address, { expect: 3 });
    harness.pass(300_000, [A, B], [C], 'open');
    assert.equal(harness.cluster.members.get(C)?.presence, 'live');
    harness.pass(61_000, [A, B], [C]);
    harness.pass(20_000, [A, B], [C]);
    assert.deepEqual(harness.list, [A, B]);
  });
});

describe('R5 beside other deaths', () => {
  it('evicts nobody while another member may just have died, who may have been the leader', () => {
    const harness = new RuleHarness().bootstrap(A, B, C, D, E);
    harness.pass(50_000, [A, B, C, D], [E]);
    // From now on D is silent too.
    harness.pass(29_000, [A, B, C], [D, E]);
    assert.ok(harness.list.includes(E));
    harness.pass(10_000, [A, B, C], [D, E]);
    assert.ok(!harness.list.includes(E));
  });

  it('counts the 30 s from the last open port', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(90_000, [A, B], [C], 'open');
    harness.pass(29_000, [A, B], [C], 'refused');
    assert.deepEqual(harness.list, [A, B, C]);
    harness.pass(5_000, [A, B], [C], 'refused');
    assert.deepEqual(harness.list, [A, B]);
  });

  it('takes no newcomer for the replacement of one that has not settled', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.heartbeat(D);
    harness.pass(50_000, [A, B, C], [D], 'refused');
    assert.deepEqual(harness.list, [A, B, C, D], 'it boots');
  });

  it('counts on those who can be voters: newcomers do not make up for dead voters', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.poll(D);
    harness.poll(E);
    assert.deepEqual(harness.list, [A, B, C, D, E]);
    harness.pass(300_000, [C, D, E], [A, B]);
    assert.deepEqual(
      harness.list,
      [A, B, C, D, E],
      '3 of 5 are live, but only 1 of the 3 that can be voters',
    );
    assert.equal(harness.cluster.quorumLost, true);
  });
});

describe('R6 Preserve', () => {
  it('evicts nobody without a live majority, says so once, and recovers by itself', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.said();
    harness.pass(300_000, [A], [B, C]);
    assert.deepEqual(harness.list, [A, B, C]);
    assert.equal(harness.said().filter((event) => event === 'quorum-lost').length, 1);
    assert.equal(harness.cluster.quorumLost, true);
    harness.poll(B);
    assert.equal(harness.cluster.quorumLost, false);
    assert.deepEqual(harness.said(), [`returned ${B}`, 'quorum-regained']);
  });

  it('evicts nobody at the moment a majority is back, whose members still boot', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(300_000, [A], [B, C]);
    harness.pass(29_000, [A, B], [C]);
    assert.deepEqual(harness.list, [A, B, C]);
    harness.pass(7_000, [A, B], [C]);
    assert.deepEqual(harness.list, [A, B]);
  });

  it('does not evict one of two', () => {
    const harness = new RuleHarness().bootstrap(A, B);
    harness.pass(300_000, [A], [B]);
    assert.deepEqual(harness.list, [A, B]);
  });
});

describe('R8 Grace', () => {
  it('evicts nobody before its end', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.graceUntil = harness.now + 90_000;
    harness.pass(89_000, [A, B], [C]);
    assert.deepEqual(harness.list, [A, B, C]);
    harness.pass(2_000, [A, B], [C]);
    assert.deepEqual(harness.list, [A, B]);
  });
});

describe('R10 Signs of death', () => {
  it('shows a refused port as down at once, and leaves the list alone', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.said();
    harness.now += 100;
    harness.probe(C, 'refused');
    harness.do({ type: 'tick' });
    assert.deepEqual(harness.said(), [`down ${C}`]);
    assert.deepEqual(harness.list, [A, B, C]);
    harness.now += 1;
    harness.poll(C);
    assert.deepEqual(harness.said(), [`returned ${C}`]);
  });

  it('takes no answer at all for no sign', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.said();
    harness.probe(C, 'unreachable');
    harness.do({ type: 'tick' });
    assert.deepEqual(harness.said(), []);
  });
});
