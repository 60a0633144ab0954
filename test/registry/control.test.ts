import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Control, Witness } from '../../src/registry/control.js';
import { isUnreachable, merge } from '../../src/registry/lease.js';
import { witnessesOf } from '../../src/registry/witnesses.js';
import { A, B, RuleHarness, C, D, E, F } from './harness.js';

/** Not of this machine: there a refusal needs no witness. */
const P = '10.0.0.1:8848';
const Q = '10.0.0.2:8848';
const R = '10.0.0.3:8848';

/** Time passes; the alive poll, and the dead are probed together with a control that comes out as it says. */
function pass(
  harness: RuleHarness,
  ms: number,
  alive: readonly string[],
  dead: readonly string[],
  answer: 'refused' | 'unreachable',
  control: (harness: RuleHarness) => Control,
): void {
  for (let left = ms; left > 0; left -= 1_000) {
    harness.pass(1_000, [], []);
    if (harness.now % 5_000 === 0) for (const address of alive) harness.poll(address);
    for (const address of dead) harness.probe(address, answer, control(harness));
    harness.do({ type: 'tick' });
  }
}

const witness =
  (more: Partial<Witness> = {}) =>
  (harness: RuleHarness): Witness => ({ ...harness.witness(), ...more });

describe('R5 asks whether this server reaches anybody', () => {
  it('evicts nobody while no live member answers either, and does when one does', () => {
    const harness = new RuleHarness().bootstrap(P, Q, R);
    pass(harness, 600_000, [P, Q], [R], 'unreachable', () => 'unanswered');
    assert.deepEqual(harness.list, [P, Q, R]);
    pass(harness, 5_000, [P, Q], [R], 'unreachable', witness({ address: P }));
    assert.deepEqual(harness.list, [P, Q]);
  });

  it('takes no refusal for a death while live members are refused too: then it is the way that refuses', () => {
    const harness = new RuleHarness().bootstrap(P, Q, R);
    pass(harness, 600_000, [P, Q], [R], 'refused', witness({ address: P, answer: 'refused' }));
    assert.deepEqual(harness.list, [P, Q, R]);
    assert.equal(harness.cluster.members.get(R)?.presence, 'silent', 'nor is it down');
    pass(harness, 40_000, [P, Q], [R], 'refused', witness({ address: P }));
    assert.deepEqual(harness.list, [P, Q]);
    assert.ok(harness.said().includes(`down ${R}`));
  });

  it('takes silence for one when live members at least refuse: so packets come and go', () => {
    const harness = new RuleHarness().bootstrap(P, Q, R);
    pass(harness, 65_000, [P, Q], [R], 'unreachable', witness({ address: P, answer: 'refused' }));
    assert.deepEqual(harness.list, [P, Q]);
  });

  it('wants a witness of that time, and another than the member itself', () => {
    const harness = new RuleHarness().bootstrap(P, Q, R);
    pass(harness, 300_000, [P, Q], [R], 'unreachable', (at) => ({
      ...at.witness(),
      askedAt: at.now - 1_000,
    }));
    pass(harness, 300_000, [P, Q], [R], 'unreachable', witness({ address: R }));
    assert.deepEqual(harness.list, [P, Q, R]);
  });

  it('knows by itself who listens on this machine', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    pass(harness, 65_000, [A, B], [C], 'refused', () => 'unanswered');
    assert.deepEqual(harness.list, [A, B]);
  });

  it('shows a refused port as down when there is nobody to ask, and evicts nobody for it', () => {
    const harness = new RuleHarness().bootstrap(P);
    harness.probe(P, 'refused', 'nobody');
    harness.do({ type: 'tick' });
    assert.equal(harness.cluster.members.get(P)?.presence, 'down');
    assert.equal(isUnreachable(harness.cluster.members.get(P)!, harness.rules, harness.now), false);
  });

  it('lets no server’s refused port outvote another’s open one', () => {
    const harness = new RuleHarness().bootstrap(P, Q, R);
    pass(harness, 100_000, [P], [Q, R], 'refused', witness({ address: P }));
    const { lease } = harness.cluster.members.get(R)!;
    merge(lease, { ...lease, openAt: harness.now - 2_000 });
    pass(harness, 1_000, [P], [Q, R], 'refused', witness({ address: P }));
    harness.do({ type: 'recover' });
    assert.deepEqual(harness.list, [P, R]);
  });
});

describe('R7 asks whether this server reaches anybody', () => {
  it('bootstraps again over nobody while those that wait do not answer either', () => {
    const harness = new RuleHarness().bootstrap(P, Q, R);
    const wait = (): void => {
      for (const address of [D, E, F]) harness.poll(address);
    };
    pass(harness, 20_000, [], [P, Q, R], 'unreachable', () => 'unanswered');
    for (let i = 0; i < 300; i++) {
      pass(harness, 1_000, [], [P, Q, R], 'unreachable', () => 'unanswered');
      wait();
    }
    assert.equal(harness.cluster.epoch, 1);
    const isReached = witness({ address: D, isMember: false, answer: 'refused' });
    pass(harness, 3_000, [], [P, Q, R], 'refused', isReached);
    assert.equal(harness.cluster.epoch, 2);
  });

  it('does not recover a list by an operator’s word when it may be this server that reaches nobody', () => {
    const harness = new RuleHarness().bootstrap(P, Q, R);
    pass(harness, 120_000, [P], [Q, R], 'unreachable', () => 'unanswered');
    assert.deepEqual(harness.do({ type: 'recover' }).type, 'refused');
    assert.deepEqual(harness.list, [P, Q, R]);
    pass(harness, 5_000, [P], [Q, R], 'unreachable', witness({ address: P }));
    harness.do({ type: 'recover' });
    assert.deepEqual(harness.list, [P]);
  });
});

describe('who is asked', () => {
  it('is whoever was heard last; of a cluster without a live member, those that wait', () => {
    const harness = new RuleHarness().bootstrap(A, B, C, D);
    harness.now += 1_000;
    harness.poll(C);
    harness.now += 1_000;
    harness.poll(A);
    const asked = (): string[] =>
      witnessesOf(harness.cluster, harness.rules, harness.now).map(({ address }) => address);
    assert.deepEqual(asked().slice(0, 2), [A, C]);
    assert.equal(asked().length, 3, 'three are enough');
    harness.pass(14_000, [], []);
    harness.poll(E);
    assert.ok(harness.waiting.includes(E) || harness.list.includes(E));
    harness.pass(2_000, [E], []);
    assert.deepEqual(asked(), [E]);
  });

  it('never is a member that is not heard', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(20_000, [A], [B, C]);
    assert.deepEqual(
      witnessesOf(harness.cluster, harness.rules, harness.now).map(({ address }) => address),
      [A],
    );
  });
});
