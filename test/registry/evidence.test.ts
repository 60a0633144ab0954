import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Address } from '../../src/registry/address.js';
import { unfollowed } from '../../src/registry/leave.js';
import { A, B, Bench, C, D, E, voters } from './rules.js';

const leaderless: NonNullable<Bench['seen']> = { leaderless: ['two'], whole: undefined };

const isSettled = (bench: Bench, address: Address): boolean | undefined =>
  bench.cluster.members.get(address)?.settled;

describe('what is seen of Raft: a joiner', () => {
  it('does not settle before it is a voter of every group, however long it is known to all', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.seen = voters(A, B, C);
    bench.poll(D);
    bench.pass(60_000, [A, B, C, D]);
    assert.equal(isSettled(bench, D), false);
    bench.poll(E);
    assert.match(
      bench.do({ type: 'poll', address: E, source: 'poll', connectedAt: bench.now }).type,
      /listed/,
      'three of five have data',
    );
    bench.seen = voters(A, B, C, D);
    bench.pass(10_000, [A, B, C, D]);
    assert.equal(isSettled(bench, D), true);
  });

  it('settles 5 s after it was seen to vote and follow, instead of 20 s', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.seen = voters(A, B, C, D);
    bench.poll(D);
    bench.pass(5_000, [A, B, C, D]);
    bench.pass(6_000, [A, B, C, D]);
    assert.equal(isSettled(bench, D), true);
    const other = new Bench().bootstrap(A, B, C);
    const { whole, ...rest } = voters(A, B, C, D);
    other.seen = { ...rest, whole: whole && { ...whole, followers: new Set([A, B, C]) } };
    other.poll(D);
    other.pass(11_000, [A, B, C, D]);
    assert.equal(
      isSettled(other, D),
      false,
      'a voter that does not follow may be an earlier life of its address',
    );
    other.pass(20_000, [A, B, C, D]);
    assert.equal(isSettled(other, D), true, 'and then time must do');
  });

  it('takes nothing from what was seen before it joined, or is old', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.poll(D);
    bench.seen = undefined;
    bench.pass(30_000, [A, B, C, D]);
    assert.equal(isSettled(bench, D), true);
  });
});

describe('what is seen of Raft: R5', () => {
  it('evicts nobody while a group has no leader, since the removal would be lost', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.seen = leaderless;
    bench.pass(120_000, [A, B], [C]);
    assert.deepEqual(bench.list, [A, B, C]);
    bench.seen = voters(A, B, C);
    bench.pass(5_000, [A, B], [C]);
    assert.deepEqual(bench.list, [A, B]);
  });
});

describe('what is seen of Raft: a leave', () => {
  it('is done when Raft has let go of it, and not before', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.do({ type: 'leave', address: C });
    const left = { address: C, revision: bench.cluster.revision };
    const lacks = (seen: Bench['seen']): unknown => {
      const { now, rules } = bench;
      const raft = seen && { ...seen, readAt: now };
      return unfollowed(bench.cluster, left, { now, rules, graceUntil: 0, ...(raft ? { raft } : {}) });
    };
    bench.pass(5_000, [A, B]);
    assert.deepEqual(
      lacks(undefined),
      { pendingMembers: [A, B], votes: [] },
      'time must do, and has not passed',
    );
    assert.deepEqual(lacks(voters(A, B, C)), { pendingMembers: [], votes: ['one', 'two'] });
    assert.deepEqual(lacks(voters(A, B)), { pendingMembers: [], votes: [] }, 'seen, without waiting');
    bench.pass(5_000, [A, B]);
    assert.deepEqual(lacks(undefined), { pendingMembers: [], votes: [] });
    assert.deepEqual(lacks(voters(A, B, C)), { pendingMembers: [], votes: ['one', 'two'] }, 'however late');
  });
});

describe('what is seen of Raft: a recovered list', () => {
  it('opens the gate when every group has a leader', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.pass(20_000, [A], [B, C]);
    bench.poll(D);
    bench.seen = leaderless;
    bench.do({ type: 'recover' });
    bench.pass(30_000, [A, D]);
    assert.deepEqual(bench.list, [A]);
    bench.seen = voters(A);
    bench.pass(2_000, [A, D]);
    assert.deepEqual(bench.list, [A, D]);
  });
});
