import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { A, B, RuleHarness, C, D, E } from './harness.js';

describe('R1 Found', () => {
  it('bootstraps with one by default', () => {
    const harness = new RuleHarness();
    assert.deepEqual(harness.poll(A), { type: 'listed' });
    assert.deepEqual(harness.list, [A]);
    assert.deepEqual(harness.said(), [`waiting ${A}`, 'bootstrapped']);
  });

  it('bootstraps when as many wait at once as are expected, with one identical list', () => {
    const harness = new RuleHarness();
    const first = harness.poll(A, { expect: 3 });
    assert.equal(first.type === 'waiting' && first.why, 'bootstrapping');
    assert.equal(harness.poll(B, { expect: 3 }).type, 'waiting');
    assert.deepEqual(harness.list, []);
    assert.equal(harness.poll(C, { expect: 3 }).type, 'listed');
    assert.deepEqual(harness.list, [A, B, C]);
    assert.equal(harness.cluster.revision, 1);
    assert.equal(harness.cluster.epoch, 1);
    assert.equal(harness.cluster.size, 3);
    assert.ok([...harness.cluster.members.values()].every((member) => member.settled));
  });

  it('waits for the largest expect', () => {
    const harness = new RuleHarness();
    harness.poll(A, { expect: 3 });
    harness.poll(B, { expect: 2 });
    assert.deepEqual(harness.list, []);
    harness.poll(C);
    assert.deepEqual(harness.list, [A, B, C]);
  });

  it('counts only addresses that wait at once: one that gave up is forgotten after its TTL', () => {
    const harness = new RuleHarness();
    harness.poll(A, { expect: 3 });
    harness.poll(B, { expect: 3 });
    harness.now += harness.rules.memberTtl;
    assert.equal(harness.poll(C, { expect: 3 }).type, 'waiting');
    assert.deepEqual(harness.waiting, [C]);
  });

  it('counts one address once, however often it polls', () => {
    const harness = new RuleHarness();
    for (let i = 0; i < 5; i++) harness.poll(A, { expect: 2 });
    assert.deepEqual(harness.list, []);
  });

  it('forgets a waiting address whose held poll was abandoned', () => {
    const harness = new RuleHarness();
    harness.poll(A, { expect: 2 });
    harness.do({ type: 'abandon', address: A });
    harness.poll(B, { expect: 2 });
    assert.deepEqual(harness.list, []);
    assert.deepEqual(harness.waiting, [B]);
  });

  it('forgets who waited before a restart', () => {
    const harness = new RuleHarness();
    harness.poll(A, { expect: 2 });
    harness.do({ type: 'resume' });
    harness.poll(B, { expect: 2 });
    assert.deepEqual(harness.list, []);
  });

  it('bootstraps when static members are put, and others then pass the gate', () => {
    const harness = new RuleHarness();
    harness.poll(D, { expect: 3 });
    assert.equal(harness.do({ type: 'put', addresses: [A, B, A] }).type, 'done');
    assert.deepEqual(harness.list.slice(0, 2), [A, B]);
    harness.poll(D, { expect: 3 });
    assert.deepEqual(harness.list, [A, B, D]);
    assert.equal(harness.cluster.members.get(D)?.settled, false);
  });

  it('counts a newer address of the same id in place of an older one that is away', () => {
    const harness = new RuleHarness();
    harness.poll(A, { expect: 2, id: 'nacos-0' });
    harness.now += 5_000;
    harness.poll(B, { expect: 2, id: 'nacos-0' });
    assert.deepEqual(harness.waiting, [B]);
    assert.deepEqual(harness.list, []);
  });
});

describe('R7 Rebootstrap', () => {
  const dead = (harness: RuleHarness): void => harness.pass(61_000, [], [A, B, C]);

  it('bootstraps a new epoch of those waiting when all members are silent and unreachable', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    dead(harness);
    const fresh = [D, E, '127.0.0.9:8848'];
    for (const address of fresh) assert.equal(harness.poll(address, { expect: 3 }).type, 'waiting');
    assert.equal(harness.cluster.epoch, 1, 'a single request each may be a stranger’s');
    harness.now += 8_000;
    for (const address of fresh.slice(0, 2)) harness.poll(address, { expect: 3 });
    assert.equal(harness.poll('127.0.0.9:8848', { expect: 3 }).type, 'listed');
    assert.deepEqual(harness.list, [D, E, '127.0.0.9:8848']);
    assert.equal(harness.cluster.epoch, 2);
    assert.ok(harness.said().includes('rebootstrapped'));
  });

  it('does not before a member that lives would have been heard, too', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    dead(harness);
    const fresh = [D, E, '127.0.0.9:8848'];
    for (const address of fresh) harness.poll(address, { expect: 3 });
    for (let tries = 0; tries < 3; tries++) {
      harness.now += 2_000;
      for (const address of fresh) assert.equal(harness.poll(address, { expect: 3 }).type, 'waiting');
    }
    assert.equal(harness.cluster.epoch, 1, 'nobody else may have reached this server');
    harness.poll(A);
    assert.deepEqual(harness.list, [A, B, C]);
  });

  it('does not with fewer than the size', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    dead(harness);
    harness.poll(D, { expect: 2 });
    harness.poll(E, { expect: 2 });
    assert.deepEqual(harness.list, [A, B, C]);
  });

  it('does not while one member answers a probe', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    dead(harness);
    harness.probe(B, 'open');
    for (const address of [D, E, '127.0.0.9:8848']) harness.poll(address, { expect: 3 });
    assert.deepEqual(harness.list, [A, B, C]);
  });

  it('does not before an eviction would, though every port refuses', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(59_000, [], [A, B, C], 'refused');
    for (const address of [D, E, '127.0.0.9:8848']) harness.poll(address, { expect: 3 });
    assert.deepEqual(harness.list, [A, B, C]);
  });

  it('does not in grace', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.graceUntil = harness.now + 90_000;
    dead(harness);
    for (const address of [D, E, '127.0.0.9:8848']) harness.poll(address, { expect: 3 });
    assert.deepEqual(harness.list, [A, B, C]);
  });
});

describe('R7 recover', () => {
  it('makes the list of those that answer; who waits joins one by one when Raft has been repaired', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(20_000, [A], [B, C]);
    harness.poll(D);
    harness.poll(E);
    assert.equal(harness.do({ type: 'recover' }).type, 'done');
    assert.deepEqual(harness.list, [A]);
    assert.ok(harness.said().includes('recovered'));
    assert.equal(harness.cluster.quorumLost, false);
    const held = harness.poll(D);
    assert.match(held.type === 'waiting' ? held.reason : '', /Raft of those that are left must be repaired/);
    harness.pass(30_000, [A], []);
    harness.poll(D);
    harness.poll(E);
    assert.deepEqual(harness.list, [A], 'however long it takes');
    assert.equal(harness.do({ type: 'recover', repaired: true }).type, 'done');
    assert.deepEqual(harness.list, [A, D], 'two blank nodes would outvote its data');
    const again = harness.do({ type: 'recover', repaired: true });
    assert.equal(again.type === 'refused' && again.code, 'no-repair-awaited');
  });

  it('bootstraps anew with those that wait when nobody is left and they are fewer than the cluster was', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(20_000, [], [A, B, C]);
    harness.poll(D);
    assert.equal(harness.do({ type: 'recover' }).type, 'done');
    assert.deepEqual([harness.list, harness.cluster.epoch, harness.cluster.awaitsRepair], [[D], 2, false]);
  });

  it('keeps a silent member whose port answers', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(20_000, [A], [C]);
    harness.probe(B, 'open');
    harness.poll(D);
    harness.do({ type: 'recover' });
    assert.deepEqual(harness.list, [A, B]);
  });

  it('is refused while a majority is live, and without anybody to recover with', () => {
    const harness = new RuleHarness();
    assert.equal(harness.do({ type: 'recover' }).type, 'refused');
    harness.bootstrap(A, B, C);
    assert.deepEqual(harness.do({ type: 'recover' }), {
      type: 'refused',
      code: 'quorum-not-lost',
      reason: 'nacos/serverlist has a majority, 3 of 3 members are live; recover is for a lost majority only',
    });
    harness.pass(20_000, [], [A, B, C]);
    const reply = harness.do({ type: 'recover' });
    assert.equal(reply.type === 'refused' && reply.code, 'nobody-to-recover-with');
    assert.deepEqual(harness.list, [A, B, C]);
  });
});
