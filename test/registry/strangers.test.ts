import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { A, B, RuleHarness, C, D, E, F, voters } from './harness.js';

/*
 * Whoever is no node: a request in the name of an address where none is, and a pod that dies at its start. Together with a
 * member that dies at the same time.
 */

const STRANGERS = [D, E, F];

/** Three members for a minute, so that they are steady. */
function three(): RuleHarness {
  const harness = new RuleHarness().bootstrap(A, B, C);
  harness.pass(60_000, [A, B, C]);
  return harness;
}

describe('strangers beside three members', () => {
  for (const [how, ask] of [
    ['by one request each', (harness: RuleHarness, who: string) => harness.poll(who)],
    ['with expect', (harness: RuleHarness, who: string) => harness.poll(who, { expect: 99 })],
    ['with an id', (harness: RuleHarness, who: string) => harness.poll(who, { id: `n${who}` })],
    ['by a heartbeat', (harness: RuleHarness, who: string) => harness.heartbeat(who)],
    [
      'of agents',
      (harness: RuleHarness, who: string) => harness.heartbeat(who, { revision: 0, starting: true }),
    ],
  ] as const) {
    it(`${how}: a crash beside them does not lose the majority, and all are taken off`, () => {
      const harness = three();
      for (const who of STRANGERS) ask(harness, who);
      assert.ok(harness.list.length < 6, 'those that have settled stay a majority');
      harness.pass(20_000, [A, B], [C, ...STRANGERS]);
      assert.equal(harness.cluster.quorumLost, false);
      harness.pass(300_000, [A, B], [C, ...STRANGERS]);
      assert.equal(harness.events.filter(({ type }) => type === 'quorum-lost').length, 0);
      assert.deepEqual(harness.list, [A, B]);
      assert.equal(harness.cluster.size, 3);
      harness.poll(C);
      assert.deepEqual(harness.list, [A, B, C], 'and the gate is open');
    });
  }

  it('takes off who polled once within 45 s', () => {
    const harness = three();
    for (const who of STRANGERS) harness.poll(who);
    harness.pass(45_000, [A, B, C], STRANGERS);
    assert.deepEqual(harness.list, [A, B, C]);
  });

  it('takes off pods of a larger scale-up that die when they have polled for some seconds', () => {
    const harness = three();
    for (const who of STRANGERS) harness.poll(who, { expect: 6 });
    harness.pass(10_000, [A, B, C, ...STRANGERS]);
    harness.pass(120_000, [A, B, C], STRANGERS);
    assert.deepEqual(harness.list, [A, B, C]);
    assert.equal(harness.cluster.size, 3);
    assert.equal(harness.events.filter(({ type }) => type === 'quorum-lost').length, 0);
  });

  it('does not let those that ask once a minute stay, or keep a node at the gate', () => {
    const harness = three();
    for (let minute = 0; minute < 5; minute++) {
      for (const who of STRANGERS) harness.poll(who);
      harness.pass(59_000, [A, B], [C, ...STRANGERS]);
      assert.equal(harness.cluster.quorumLost, false);
      assert.ok(!STRANGERS.some((who) => harness.list.includes(who)), harness.list.join(' '));
    }
    assert.deepEqual(harness.list, [A, B]);
  });

  it('evicts a dead member though strangers come again and again', () => {
    const harness = three();
    for (let i = 0; i < 30; i++) {
      harness.poll(`127.0.1.${i}:8848`);
      harness.pass(10_000, [A, B], [C, ...harness.list.slice(2)]);
    }
    assert.ok(!harness.list.includes(C));
    assert.equal(harness.events.filter(({ type }) => type === 'quorum-lost').length, 0);
  });

  for (const [how, ask] of [
    ['polls', (harness: RuleHarness, who: string) => harness.poll(who)],
    ['POSTs', (harness: RuleHarness, who: string) => harness.heartbeat(who)],
  ] as const) {
    it(`does not take one for settled that ${how} as seldom as a lease allows`, () => {
      const harness = three();
      for (let i = 0; i < 10; i++) {
        ask(harness, D);
        harness.pass(9_000, [A, B, C]);
        harness.pass(5_000, [A, B, C], [D]);
      }
      assert.equal(harness.cluster.members.get(D)?.settled, false);
    });
  }

  it('counts one that was seen to vote, heard again or not', () => {
    const harness = three();
    harness.poll(D);
    harness.poll(E);
    const groups = ['naming'];
    harness.seen = {
      leaderless: [],
      whole: { groups, voters: new Map([A, B, C, D, E].map((one) => [one, groups])), followers: new Set() },
    };
    harness.pass(20_000, [A, B], [C, D, E]);
    assert.equal(harness.cluster.quorumLost, true);
  });
});

describe('newcomers that were heard again and died, which may vote', () => {
  it('count while a settled member is dead: nobody is evicted, and nobody comes in', () => {
    const harness = three();
    harness.poll(D);
    harness.pass(10_000, [A, B, D]);
    harness.pass(120_000, [A, B], [C, D]);
    harness.poll(E);
    assert.equal(harness.cluster.quorumLost, true);
    assert.deepEqual(harness.list, [A, B, C, D]);
    harness.pass(5_000, [A, B, C], [D]);
    assert.equal(harness.cluster.quorumLost, false, 'a majority with it, too');
  });

  it('do not count while a settled member is dead, when Raft is seen to be without them', () => {
    const harness = three();
    harness.seen = voters(A, B, C);
    harness.poll(D);
    harness.pass(10_000, [A, B, D]);
    harness.pass(120_000, [A, B], [C, D]);
    assert.equal(harness.cluster.quorumLost, false);
    assert.deepEqual(harness.list, [A, B], 'D first, then C');
    harness.poll(E);
    assert.deepEqual(harness.list, [A, B, E]);
  });

  it('count when they are seen to vote', () => {
    const harness = three();
    harness.seen = voters(A, B, C, D);
    harness.poll(D);
    harness.pass(10_000, [A, B, D]);
    harness.pass(120_000, [A, B], [C, D]);
    assert.equal(harness.cluster.quorumLost, true);
    assert.deepEqual(harness.list, [A, B, C, D]);
  });

  it('count beside no more settled members than they are, since one of those has left', () => {
    const harness = three();
    harness.poll(D);
    harness.poll(E);
    harness.pass(10_000, [A, B, C, D, E]);
    harness.do({ type: 'leave', address: C });
    // One after the other, so that the first has been lost for longer.
    harness.pass(10_000, [A, B, E], [D]);
    harness.pass(120_000, [A, B], [D, E]);
    assert.equal(harness.cluster.quorumLost, true, 'they may vote, and Raft has two of four');
    assert.deepEqual(harness.list, [A, B, D, E]);
  });

  it('do not count while all that have settled live, and are taken off', () => {
    const harness = new RuleHarness().bootstrap(A);
    harness.pass(60_000, [A]);
    harness.poll(B);
    harness.pass(10_000, [A, B]);
    harness.pass(20_000, [A], [B]);
    assert.equal(harness.cluster.quorumLost, true);
    harness.pass(20_000, [A], [B]);
    assert.equal(harness.cluster.quorumLost, false);
    assert.deepEqual(harness.list, [A]);
  });
});

describe('newcomers of which nobody has settled, since all that had data have left', () => {
  /** D lives; E was heard as often as asked, and died. */
  function newcomersOf(heardAgain: boolean): RuleHarness {
    const harness = three();
    for (const who of [D, E]) harness.poll(who);
    if (heardAgain) harness.pass(5_000, [D, E]);
    for (const who of [A, B, C]) harness.do({ type: 'leave', address: who });
    assert.deepEqual(harness.list, [D, E]);
    return harness;
  }
  const leaderless = { leaderless: ['naming'], whole: undefined };

  it('count when they were heard again: the majority is lost, and an operator recovers those that live', () => {
    const harness = newcomersOf(true);
    harness.pass(120_000, [D], [E]);
    assert.equal(harness.cluster.quorumLost, true);
    assert.deepEqual(harness.list, [D, E]);
    assert.equal(harness.do({ type: 'recover' }).type, 'done');
    assert.deepEqual(harness.list, [D]);
  });

  it('count while no leader is seen, heard again or not', () => {
    const harness = newcomersOf(false);
    harness.seen = leaderless;
    harness.pass(120_000, [D], [E]);
    assert.equal(harness.cluster.quorumLost, true);
    assert.equal(harness.do({ type: 'recover' }).type, 'done');
    assert.deepEqual(harness.list, [D]);
  });

  it('do not count when nothing shows that they are nodes, nor when Raft has a leader without them', () => {
    const unheard = newcomersOf(false);
    unheard.pass(60_000, [D], [E]);
    const outside = newcomersOf(true);
    outside.seen = voters(D);
    outside.pass(60_000, [D], [E]);
    for (const harness of [unheard, outside]) {
      assert.equal(harness.cluster.quorumLost, false);
      assert.deepEqual(harness.list, [D]);
    }
  });
});

describe('a stranger beside one initial member', () => {
  it('comes in, counts for nothing and is taken off', () => {
    const harness = new RuleHarness().bootstrap(A);
    harness.pass(60_000, [A]);
    harness.poll(B);
    assert.deepEqual(harness.list, [A, B]);
    harness.pass(45_000, [A], [B]);
    assert.deepEqual(harness.list, [A]);
    assert.equal(harness.events.filter(({ type }) => type === 'quorum-lost').length, 0);
  });
});

describe('strangers that ask again and again beside one initial member', () => {
  for (const every of [5, 20, 45]) {
    it(`every ${every} s for a while: they are taken off, and the majority is back by itself`, () => {
      const harness = new RuleHarness().bootstrap(A);
      harness.pass(60_000, [A]);
      for (let i = 0; i < 3; i++) {
        harness.poll(B);
        harness.pass(every * 1_000, [A], [B]);
      }
      harness.pass(60_000, [A], [B]);
      assert.deepEqual(harness.list, [A]);
      assert.equal(harness.cluster.quorumLost, false);
    });
  }
});

describe('strangers at a bootstrap', () => {
  it('does not found with those that asked once', () => {
    const harness = new RuleHarness();
    for (const who of STRANGERS.slice(1)) harness.poll(who, { expect: 3 });
    harness.pass(4_000, []);
    for (const who of [A, B, C]) harness.poll(who, { expect: 3 });
    harness.pass(2_000, [A, B, C]);
    assert.deepEqual(harness.list, [A, B, C]);
  });

  it('does not let one that asked once set the size', () => {
    const harness = new RuleHarness();
    harness.poll(F, { expect: 99 });
    harness.pass(4_000, []);
    harness.poll(A, { expect: 2 });
    harness.poll(B, { expect: 2 });
    assert.deepEqual(harness.list, [A, B]);
    assert.equal(harness.cluster.size, 2);
  });

  it('counts a node that starts again within its lease', () => {
    const harness = new RuleHarness();
    harness.poll(A, { expect: 2 });
    harness.pass(4_000, [A]);
    harness.pass(9_000, []);
    harness.poll(B, { expect: 2 });
    assert.deepEqual(harness.list, [A, B]);
  });
});
