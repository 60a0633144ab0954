import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Address } from '../../src/registry/address.js';
import { unfollowed } from '../../src/registry/leave.js';
import { A, B, RuleHarness, C, D, E, voters } from './harness.js';

const leaderless: NonNullable<RuleHarness['seen']> = { leaderless: ['two'], whole: undefined };

const isSettled = (harness: RuleHarness, address: Address): boolean | undefined =>
  harness.cluster.members.get(address)?.settled;

describe('what is seen of Raft: a joiner', () => {
  it('does not settle before it is a voter of every group, however long it is known to all', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.seen = voters(A, B, C);
    harness.poll(D);
    harness.pass(60_000, [A, B, C, D]);
    assert.equal(isSettled(harness, D), false);
    harness.poll(E);
    assert.match(
      harness.do({ type: 'poll', address: E, source: 'poll', connectedAt: harness.now }).type,
      /listed/,
      'three of five have data',
    );
    harness.seen = voters(A, B, C, D);
    harness.pass(10_000, [A, B, C, D]);
    assert.equal(isSettled(harness, D), true);
  });

  it('settles 5 s after it was seen to vote and follow, instead of 20 s', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.seen = voters(A, B, C, D);
    harness.poll(D);
    harness.pass(5_000, [A, B, C, D]);
    harness.pass(6_000, [A, B, C, D]);
    assert.equal(isSettled(harness, D), true);
    const other = new RuleHarness().bootstrap(A, B, C);
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
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.poll(D);
    harness.seen = undefined;
    harness.pass(30_000, [A, B, C, D]);
    assert.equal(isSettled(harness, D), true);
  });
});

describe('what is seen of Raft: R5', () => {
  it('evicts nobody while a group has no leader, since the removal would be lost', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.seen = leaderless;
    harness.pass(120_000, [A, B], [C]);
    assert.deepEqual(harness.list, [A, B, C]);
    harness.seen = voters(A, B, C);
    harness.pass(5_000, [A, B], [C]);
    assert.deepEqual(harness.list, [A, B]);
  });
});

describe('what is seen of Raft: a leave', () => {
  it('is done when Raft has let go of it, and not before', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.do({ type: 'leave', address: C });
    const left = { address: C, revision: harness.cluster.revision };
    const lacks = (seen: RuleHarness['seen']): unknown => {
      const { now, rules } = harness;
      const raft = seen && { ...seen, readAt: now };
      return unfollowed(harness.cluster, left, { now, rules, graceUntil: 0, ...(raft ? { raft } : {}) });
    };
    harness.pass(5_000, [A, B]);
    assert.deepEqual(
      lacks(undefined),
      { pendingMembers: [A, B], votes: [] },
      'time must do, and has not passed',
    );
    assert.deepEqual(lacks(voters(A, B, C)), { pendingMembers: [], votes: ['one', 'two'] });
    assert.deepEqual(lacks(voters(A, B)), { pendingMembers: [], votes: [] }, 'seen, without waiting');
    harness.pass(5_000, [A, B]);
    assert.deepEqual(lacks(undefined), { pendingMembers: [], votes: [] });
    assert.deepEqual(lacks(voters(A, B, C)), { pendingMembers: [], votes: ['one', 'two'] }, 'however late');
  });
});

describe('what is seen of Raft: a recovered list', () => {
  it('opens the gate when every group has a leader', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(20_000, [A], [B, C]);
    harness.poll(D);
    harness.seen = leaderless;
    harness.do({ type: 'recover' });
    harness.pass(30_000, [A, D]);
    assert.deepEqual(harness.list, [A]);
    harness.seen = voters(A);
    harness.pass(2_000, [A, D]);
    assert.deepEqual(harness.list, [A, D]);
  });
});
