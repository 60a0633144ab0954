import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { A, B, Bench, C, D, E, F, voters } from './rules.js';

/*
 * Whoever is no node: a request in the name of an address where none is, and a pod that dies at its start. Together with a
 * member that dies at the same time.
 */

const STRANGERS = [D, E, F];

/** Three members for a minute, so that they are steady. */
function three(): Bench {
  const bench = new Bench().bootstrap(A, B, C);
  bench.pass(60_000, [A, B, C]);
  return bench;
}

describe('strangers beside three members', () => {
  for (const [how, ask] of [
    ['by one request each', (bench: Bench, who: string) => bench.poll(who)],
    ['with expect', (bench: Bench, who: string) => bench.poll(who, { expect: 99 })],
    ['with an id', (bench: Bench, who: string) => bench.poll(who, { id: `n${who}` })],
    ['by a heartbeat', (bench: Bench, who: string) => bench.heartbeat(who)],
    ['of agents', (bench: Bench, who: string) => bench.heartbeat(who, { revision: 0, starting: true })],
  ] as const) {
    it(`${how}: a crash beside them does not lose the majority, and all are taken off`, () => {
      const bench = three();
      for (const who of STRANGERS) ask(bench, who);
      assert.ok(bench.list.length < 6, 'those that have settled stay a majority');
      bench.pass(20_000, [A, B], [C, ...STRANGERS]);
      assert.equal(bench.cluster.quorumLost, false);
      bench.pass(300_000, [A, B], [C, ...STRANGERS]);
      assert.equal(bench.events.filter(({ type }) => type === 'quorum-lost').length, 0);
      assert.deepEqual(bench.list, [A, B]);
      assert.equal(bench.cluster.size, 3);
      bench.poll(C);
      assert.deepEqual(bench.list, [A, B, C], 'and the gate is open');
    });
  }

  it('takes off who polled once within 45 s', () => {
    const bench = three();
    for (const who of STRANGERS) bench.poll(who);
    bench.pass(45_000, [A, B, C], STRANGERS);
    assert.deepEqual(bench.list, [A, B, C]);
  });

  it('takes off pods of a larger scale-up that die when they have polled for some seconds', () => {
    const bench = three();
    for (const who of STRANGERS) bench.poll(who, { expect: 6 });
    bench.pass(10_000, [A, B, C, ...STRANGERS]);
    bench.pass(120_000, [A, B, C], STRANGERS);
    assert.deepEqual(bench.list, [A, B, C]);
    assert.equal(bench.cluster.size, 3);
    assert.equal(bench.events.filter(({ type }) => type === 'quorum-lost').length, 0);
  });

  it('does not let those that ask once a minute stay, or keep a node at the gate', () => {
    const bench = three();
    for (let minute = 0; minute < 5; minute++) {
      for (const who of STRANGERS) bench.poll(who);
      bench.pass(59_000, [A, B], [C, ...STRANGERS]);
      assert.equal(bench.cluster.quorumLost, false);
      assert.ok(!STRANGERS.some((who) => bench.list.includes(who)), bench.list.join(' '));
    }
    assert.deepEqual(bench.list, [A, B]);
  });

  it('evicts a dead member though strangers come again and again', () => {
    const bench = three();
    for (let i = 0; i < 30; i++) {
      bench.poll(`127.0.1.${i}:8848`);
      bench.pass(10_000, [A, B], [C, ...bench.list.slice(2)]);
    }
    assert.ok(!bench.list.includes(C));
    assert.equal(bench.events.filter(({ type }) => type === 'quorum-lost').length, 0);
  });

  for (const [how, ask] of [
    ['polls', (bench: Bench, who: string) => bench.poll(who)],
    ['POSTs', (bench: Bench, who: string) => bench.heartbeat(who)],
  ] as const) {
    it(`does not take one for settled that ${how} as seldom as a lease allows`, () => {
      const bench = three();
      for (let i = 0; i < 10; i++) {
        ask(bench, D);
        bench.pass(9_000, [A, B, C]);
        bench.pass(5_000, [A, B, C], [D]);
      }
      assert.equal(bench.cluster.members.get(D)?.settled, false);
    });
  }

  it('counts one that was seen to vote, heard again or not', () => {
    const bench = three();
    bench.poll(D);
    bench.poll(E);
    const groups = ['naming'];
    bench.seen = {
      leaderless: [],
      whole: { groups, voters: new Map([A, B, C, D, E].map((one) => [one, groups])), followers: new Set() },
    };
    bench.pass(20_000, [A, B], [C, D, E]);
    assert.equal(bench.cluster.quorumLost, true);
  });
});

describe('newcomers that were heard again and died, which may vote', () => {
  it('count while a settled member is dead: nobody is evicted, and nobody comes in', () => {
    const bench = three();
    bench.poll(D);
    bench.pass(10_000, [A, B, D]);
    bench.pass(120_000, [A, B], [C, D]);
    bench.poll(E);
    assert.equal(bench.cluster.quorumLost, true);
    assert.deepEqual(bench.list, [A, B, C, D]);
    bench.pass(5_000, [A, B, C], [D]);
    assert.equal(bench.cluster.quorumLost, false, 'a majority with it, too');
  });

  it('do not count while a settled member is dead, when Raft is seen to be without them', () => {
    const bench = three();
    bench.seen = voters(A, B, C);
    bench.poll(D);
    bench.pass(10_000, [A, B, D]);
    bench.pass(120_000, [A, B], [C, D]);
    assert.equal(bench.cluster.quorumLost, false);
    assert.deepEqual(bench.list, [A, B], 'D first, then C');
    bench.poll(E);
    assert.deepEqual(bench.list, [A, B, E]);
  });

  it('count when they are seen to vote', () => {
    const bench = three();
    bench.seen = voters(A, B, C, D);
    bench.poll(D);
    bench.pass(10_000, [A, B, D]);
    bench.pass(120_000, [A, B], [C, D]);
    assert.equal(bench.cluster.quorumLost, true);
    assert.deepEqual(bench.list, [A, B, C, D]);
  });

  it('do not count while all that have settled live, and are taken off', () => {
    const bench = new Bench().bootstrap(A);
    bench.pass(60_000, [A]);
    bench.poll(B);
    bench.pass(10_000, [A, B]);
    bench.pass(20_000, [A], [B]);
    assert.equal(bench.cluster.quorumLost, true);
    bench.pass(20_000, [A], [B]);
    assert.equal(bench.cluster.quorumLost, false);
    assert.deepEqual(bench.list, [A]);
  });
});

describe('newcomers of which nobody has settled, since all that had data have left', () => {
  /** D lives; E was heard as often as asked, and died. */
  function newcomersOf(heardAgain: boolean): Bench {
    const bench = three();
    for (const who of [D, E]) bench.poll(who);
    if (heardAgain) bench.pass(5_000, [D, E]);
    for (const who of [A, B, C]) bench.do({ type: 'leave', address: who });
    assert.deepEqual(bench.list, [D, E]);
    return bench;
  }
  const leaderless = { leaderless: ['naming'], whole: undefined };

  it('count when they were heard again: the majority is lost, and an operator recovers those that live', () => {
    const bench = newcomersOf(true);
    bench.pass(120_000, [D], [E]);
    assert.equal(bench.cluster.quorumLost, true);
    assert.deepEqual(bench.list, [D, E]);
    assert.equal(bench.do({ type: 'recover' }).type, 'done');
    assert.deepEqual(bench.list, [D]);
  });

  it('count while no leader is seen, heard again or not', () => {
    const bench = newcomersOf(false);
    bench.seen = leaderless;
    bench.pass(120_000, [D], [E]);
    assert.equal(bench.cluster.quorumLost, true);
    assert.equal(bench.do({ type: 'recover' }).type, 'done');
    assert.deepEqual(bench.list, [D]);
  });

  it('do not count when nothing shows that they are nodes, nor when Raft has a leader without them', () => {
    const unheard = newcomersOf(false);
    unheard.pass(60_000, [D], [E]);
    const outside = newcomersOf(true);
    outside.seen = voters(D);
    outside.pass(60_000, [D], [E]);
    for (const bench of [unheard, outside]) {
      assert.equal(bench.cluster.quorumLost, false);
      assert.deepEqual(bench.list, [D]);
    }
  });
});

describe('a stranger beside one initial member', () => {
  it('comes in, counts for nothing and is taken off', () => {
    const bench = new Bench().bootstrap(A);
    bench.pass(60_000, [A]);
    bench.poll(B);
    assert.deepEqual(bench.list, [A, B]);
    bench.pass(45_000, [A], [B]);
    assert.deepEqual(bench.list, [A]);
    assert.equal(bench.events.filter(({ type }) => type === 'quorum-lost').length, 0);
  });
});

describe('strangers that ask again and again beside one initial member', () => {
  for (const every of [5, 20, 45]) {
    it(`every ${every} s for a while: they are taken off, and the majority is back by itself`, () => {
      const bench = new Bench().bootstrap(A);
      bench.pass(60_000, [A]);
      for (let i = 0; i < 3; i++) {
        bench.poll(B);
        bench.pass(every * 1_000, [A], [B]);
      }
      bench.pass(60_000, [A], [B]);
      assert.deepEqual(bench.list, [A]);
      assert.equal(bench.cluster.quorumLost, false);
    });
  }
});

describe('strangers at a bootstrap', () => {
  it('does not found with those that asked once', () => {
    const bench = new Bench();
    for (const who of STRANGERS.slice(1)) bench.poll(who, { expect: 3 });
    bench.pass(4_000, []);
    for (const who of [A, B, C]) bench.poll(who, { expect: 3 });
    bench.pass(2_000, [A, B, C]);
    assert.deepEqual(bench.list, [A, B, C]);
  });

  it('does not let one that asked once set the size', () => {
    const bench = new Bench();
    bench.poll(F, { expect: 99 });
    bench.pass(4_000, []);
    bench.poll(A, { expect: 2 });
    bench.poll(B, { expect: 2 });
    assert.deepEqual(bench.list, [A, B]);
    assert.equal(bench.cluster.size, 2);
  });

  it('counts a node that starts again within its lease', () => {
    const bench = new Bench();
    bench.poll(A, { expect: 2 });
    bench.pass(4_000, [A]);
    bench.pass(9_000, []);
    bench.poll(B, { expect: 2 });
    assert.deepEqual(bench.list, [A, B]);
  });
});
