import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Control, Witness } from '../../src/registry/control.js';
import { isUnreachable, merge } from '../../src/registry/lease.js';
import { witnessesOf } from '../../src/registry/witnesses.js';
import { A, B, Bench, C, D, E, F } from './rules.js';

/** Not of this machine: there a refusal needs no witness. */
const P = '10.0.0.1:8848';
const Q = '10.0.0.2:8848';
const R = '10.0.0.3:8848';

/** Time passes; the alive poll, and the dead are probed together with a control that comes out as it says. */
function pass(
  bench: Bench,
  ms: number,
  alive: readonly string[],
  dead: readonly string[],
  answer: 'refused' | 'unreachable',
  control: (bench: Bench) => Control,
): void {
  for (let left = ms; left > 0; left -= 1_000) {
    bench.pass(1_000, [], []);
    if (bench.now % 5_000 === 0) for (const address of alive) bench.poll(address);
    for (const address of dead) bench.probe(address, answer, control(bench));
    bench.do({ type: 'tick' });
  }
}

const witness =
  (more: Partial<Witness> = {}) =>
  (bench: Bench): Witness => ({ ...bench.witness(), ...more });

describe('R5 asks whether this server reaches anybody', () => {
  it('evicts nobody while no live member answers either, and does when one does', () => {
    const bench = new Bench().bootstrap(P, Q, R);
    pass(bench, 600_000, [P, Q], [R], 'unreachable', () => 'unanswered');
    assert.deepEqual(bench.list, [P, Q, R]);
    pass(bench, 5_000, [P, Q], [R], 'unreachable', witness({ address: P }));
    assert.deepEqual(bench.list, [P, Q]);
  });

  it('takes no refusal for a death while live members are refused too: then it is the way that refuses', () => {
    const bench = new Bench().bootstrap(P, Q, R);
    pass(bench, 600_000, [P, Q], [R], 'refused', witness({ address: P, answer: 'refused' }));
    assert.deepEqual(bench.list, [P, Q, R]);
    assert.equal(bench.cluster.members.get(R)?.presence, 'silent', 'nor is it down');
    pass(bench, 40_000, [P, Q], [R], 'refused', witness({ address: P }));
    assert.deepEqual(bench.list, [P, Q]);
    assert.ok(bench.said().includes(`down ${R}`));
  });

  it('takes silence for one when live members at least refuse: so packets come and go', () => {
    const bench = new Bench().bootstrap(P, Q, R);
    pass(bench, 65_000, [P, Q], [R], 'unreachable', witness({ address: P, answer: 'refused' }));
    assert.deepEqual(bench.list, [P, Q]);
  });

  it('wants a witness of that time, and another than the member itself', () => {
    const bench = new Bench().bootstrap(P, Q, R);
    pass(bench, 300_000, [P, Q], [R], 'unreachable', (at) => ({ ...at.witness(), askedAt: at.now - 1_000 }));
    pass(bench, 300_000, [P, Q], [R], 'unreachable', witness({ address: R }));
    assert.deepEqual(bench.list, [P, Q, R]);
  });

  it('knows by itself who listens on this machine', () => {
    const bench = new Bench().bootstrap(A, B, C);
    pass(bench, 65_000, [A, B], [C], 'refused', () => 'unanswered');
    assert.deepEqual(bench.list, [A, B]);
  });

  it('shows a refused port as down when there is nobody to ask, and evicts nobody for it', () => {
    const bench = new Bench().bootstrap(P);
    bench.probe(P, 'refused', 'nobody');
    bench.do({ type: 'tick' });
    assert.equal(bench.cluster.members.get(P)?.presence, 'down');
    assert.equal(isUnreachable(bench.cluster.members.get(P)!, bench.rules, bench.now), false);
  });

  it('lets no server’s refused port outvote another’s open one', () => {
    const bench = new Bench().bootstrap(P, Q, R);
    pass(bench, 100_000, [P], [Q, R], 'refused', witness({ address: P }));
    const { lease } = bench.cluster.members.get(R)!;
    merge(lease, { ...lease, openAt: bench.now - 2_000 });
    pass(bench, 1_000, [P], [Q, R], 'refused', witness({ address: P }));
    bench.do({ type: 'recover' });
    assert.deepEqual(bench.list, [P, R]);
  });
});

describe('R7 asks whether this server reaches anybody', () => {
  it('bootstraps again over nobody while those that wait do not answer either', () => {
    const bench = new Bench().bootstrap(P, Q, R);
    const wait = (): void => {
      for (const address of [D, E, F]) bench.poll(address);
    };
    pass(bench, 20_000, [], [P, Q, R], 'unreachable', () => 'unanswered');
    for (let i = 0; i < 300; i++) {
      pass(bench, 1_000, [], [P, Q, R], 'unreachable', () => 'unanswered');
      wait();
    }
    assert.equal(bench.cluster.epoch, 1);
    const isReached = witness({ address: D, isMember: false, answer: 'refused' });
    pass(bench, 3_000, [], [P, Q, R], 'refused', isReached);
    assert.equal(bench.cluster.epoch, 2);
  });

  it('does not recover a list by an operator’s word when it may be this server that reaches nobody', () => {
    const bench = new Bench().bootstrap(P, Q, R);
    pass(bench, 120_000, [P], [Q, R], 'unreachable', () => 'unanswered');
    assert.deepEqual(bench.do({ type: 'recover' }).type, 'refused');
    assert.deepEqual(bench.list, [P, Q, R]);
    pass(bench, 5_000, [P], [Q, R], 'unreachable', witness({ address: P }));
    bench.do({ type: 'recover' });
    assert.deepEqual(bench.list, [P]);
  });
});

describe('who is asked', () => {
  it('is whoever was heard last; of a cluster without a live member, those that wait', () => {
    const bench = new Bench().bootstrap(A, B, C, D);
    bench.now += 1_000;
    bench.poll(C);
    bench.now += 1_000;
    bench.poll(A);
    const asked = (): string[] =>
      witnessesOf(bench.cluster, bench.rules, bench.now).map(({ address }) => address);
    assert.deepEqual(asked().slice(0, 2), [A, C]);
    assert.equal(asked().length, 3, 'three are enough');
    bench.pass(14_000, [], []);
    bench.poll(E);
    assert.ok(bench.waiting.includes(E) || bench.list.includes(E));
    bench.pass(2_000, [E], []);
    assert.deepEqual(asked(), [E]);
  });

  it('never is a member that is not heard', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.pass(20_000, [A], [B, C]);
    assert.deepEqual(
      witnessesOf(bench.cluster, bench.rules, bench.now).map(({ address }) => address),
      [A],
    );
  });
});
