import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { A, B, Bench, C, D, E } from './rules.js';

describe('R1 Found', () => {
  it('bootstraps with one by default', () => {
    const bench = new Bench();
    assert.deepEqual(bench.poll(A), { type: 'listed' });
    assert.deepEqual(bench.list, [A]);
    assert.deepEqual(bench.said(), [`waiting ${A}`, 'bootstrapped']);
  });

  it('bootstraps when as many wait at once as are expected, with one identical list', () => {
    const bench = new Bench();
    const first = bench.poll(A, { expect: 3 });
    assert.equal(first.type === 'waiting' && first.why, 'bootstrapping');
    assert.equal(bench.poll(B, { expect: 3 }).type, 'waiting');
    assert.deepEqual(bench.list, []);
    assert.equal(bench.poll(C, { expect: 3 }).type, 'listed');
    assert.deepEqual(bench.list, [A, B, C]);
    assert.equal(bench.cluster.revision, 1);
    assert.equal(bench.cluster.epoch, 1);
    assert.equal(bench.cluster.size, 3);
    assert.ok([...bench.cluster.members.values()].every((member) => member.settled));
  });

  it('waits for the largest expect', () => {
    const bench = new Bench();
    bench.poll(A, { expect: 3 });
    bench.poll(B, { expect: 2 });
    assert.deepEqual(bench.list, []);
    bench.poll(C);
    assert.deepEqual(bench.list, [A, B, C]);
  });

  it('counts only addresses that wait at once: one that gave up is forgotten after its TTL', () => {
    const bench = new Bench();
    bench.poll(A, { expect: 3 });
    bench.poll(B, { expect: 3 });
    bench.now += bench.rules.memberTtl;
    assert.equal(bench.poll(C, { expect: 3 }).type, 'waiting');
    assert.deepEqual(bench.waiting, [C]);
  });

  it('counts one address once, however often it polls', () => {
    const bench = new Bench();
    for (let i = 0; i < 5; i++) bench.poll(A, { expect: 2 });
    assert.deepEqual(bench.list, []);
  });

  it('forgets a waiting address whose held poll was abandoned', () => {
    const bench = new Bench();
    bench.poll(A, { expect: 2 });
    bench.do({ type: 'abandon', address: A });
    bench.poll(B, { expect: 2 });
    assert.deepEqual(bench.list, []);
    assert.deepEqual(bench.waiting, [B]);
  });

  it('forgets who waited before a restart', () => {
    const bench = new Bench();
    bench.poll(A, { expect: 2 });
    bench.do({ type: 'resume' });
    bench.poll(B, { expect: 2 });
    assert.deepEqual(bench.list, []);
  });

  it('bootstraps when static members are put, and others then pass the gate', () => {
    const bench = new Bench();
    bench.poll(D, { expect: 3 });
    assert.equal(bench.do({ type: 'put', addresses: [A, B, A] }).type, 'done');
    assert.deepEqual(bench.list.slice(0, 2), [A, B]);
    bench.poll(D, { expect: 3 });
    assert.deepEqual(bench.list, [A, B, D]);
    assert.equal(bench.cluster.members.get(D)?.settled, false);
  });

  it('counts a newer address of the same id in place of an older one that is away', () => {
    const bench = new Bench();
    bench.poll(A, { expect: 2, id: 'nacos-0' });
    bench.now += 5_000;
    bench.poll(B, { expect: 2, id: 'nacos-0' });
    assert.deepEqual(bench.waiting, [B]);
    assert.deepEqual(bench.list, []);
  });
});

describe('R7 Rebootstrap', () => {
  const dead = (bench: Bench): void => bench.pass(61_000, [], [A, B, C]);

  it('bootstraps a new epoch of those waiting when all members are silent and unreachable', () => {
    const bench = new Bench().bootstrap(A, B, C);
    dead(bench);
    const fresh = [D, E, '127.0.0.9:8848'];
    for (const address of fresh) assert.equal(bench.poll(address, { expect: 3 }).type, 'waiting');
    assert.equal(bench.cluster.epoch, 1, 'a single request each may be a stranger’s');
    bench.now += 8_000;
    for (const address of fresh.slice(0, 2)) bench.poll(address, { expect: 3 });
    assert.equal(bench.poll('127.0.0.9:8848', { expect: 3 }).type, 'listed');
    assert.deepEqual(bench.list, [D, E, '127.0.0.9:8848']);
    assert.equal(bench.cluster.epoch, 2);
    assert.ok(bench.said().includes('rebootstrapped'));
  });

  it('does not before a member that lives would have been heard, too', () => {
    const bench = new Bench().bootstrap(A, B, C);
    dead(bench);
    const fresh = [D, E, '127.0.0.9:8848'];
    for (const address of fresh) bench.poll(address, { expect: 3 });
    for (let tries = 0; tries < 3; tries++) {
      bench.now += 2_000;
      for (const address of fresh) assert.equal(bench.poll(address, { expect: 3 }).type, 'waiting');
    }
    assert.equal(bench.cluster.epoch, 1, 'nobody else may have reached this server');
    bench.poll(A);
    assert.deepEqual(bench.list, [A, B, C]);
  });

  it('does not with fewer than the size', () => {
    const bench = new Bench().bootstrap(A, B, C);
    dead(bench);
    bench.poll(D, { expect: 2 });
    bench.poll(E, { expect: 2 });
    assert.deepEqual(bench.list, [A, B, C]);
  });

  it('does not while one member answers a probe', () => {
    const bench = new Bench().bootstrap(A, B, C);
    dead(bench);
    bench.probe(B, 'open');
    for (const address of [D, E, '127.0.0.9:8848']) bench.poll(address, { expect: 3 });
    assert.deepEqual(bench.list, [A, B, C]);
  });

  it('does not before an eviction would, though every port refuses', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.pass(59_000, [], [A, B, C], 'refused');
    for (const address of [D, E, '127.0.0.9:8848']) bench.poll(address, { expect: 3 });
    assert.deepEqual(bench.list, [A, B, C]);
  });

  it('does not in grace', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.graceUntil = bench.now + 90_000;
    dead(bench);
    for (const address of [D, E, '127.0.0.9:8848']) bench.poll(address, { expect: 3 });
    assert.deepEqual(bench.list, [A, B, C]);
  });
});

describe('R7 recover', () => {
  it('makes the list of those that answer; who waits joins one by one when Raft has been repaired', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.pass(20_000, [A], [B, C]);
    bench.poll(D);
    bench.poll(E);
    assert.equal(bench.do({ type: 'recover' }).type, 'done');
    assert.deepEqual(bench.list, [A]);
    assert.ok(bench.said().includes('recovered'));
    assert.equal(bench.cluster.quorumLost, false);
    const held = bench.poll(D);
    assert.match(held.type === 'waiting' ? held.reason : '', /Raft of those that are left must be repaired/);
    bench.pass(30_000, [A], []);
    bench.poll(D);
    bench.poll(E);
    assert.deepEqual(bench.list, [A], 'however long it takes');
    assert.equal(bench.do({ type: 'recover', repaired: true }).type, 'done');
    assert.deepEqual(bench.list, [A, D], 'two blank nodes would outvote its data');
    const again = bench.do({ type: 'recover', repaired: true });
    assert.equal(again.type === 'refused' && again.code, 'no-repair-awaited');
  });

  it('bootstraps anew with those that wait when nobody is left and they are fewer than the cluster was', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.pass(20_000, [], [A, B, C]);
    bench.poll(D);
    assert.equal(bench.do({ type: 'recover' }).type, 'done');
    assert.deepEqual([bench.list, bench.cluster.epoch, bench.cluster.awaitsRepair], [[D], 2, false]);
  });

  it('keeps a silent member whose port answers', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.pass(20_000, [A], [C]);
    bench.probe(B, 'open');
    bench.poll(D);
    bench.do({ type: 'recover' });
    assert.deepEqual(bench.list, [A, B]);
  });

  it('is refused while a majority is live, and without anybody to recover with', () => {
    const bench = new Bench();
    assert.equal(bench.do({ type: 'recover' }).type, 'refused');
    bench.bootstrap(A, B, C);
    assert.deepEqual(bench.do({ type: 'recover' }), {
      type: 'refused',
      code: 'quorum-not-lost',
      reason: 'nacos/serverlist has a majority, 3 of 3 members are live; recover is for a lost majority only',
    });
    bench.pass(20_000, [], [A, B, C]);
    const reply = bench.do({ type: 'recover' });
    assert.equal(reply.type === 'refused' && reply.code, 'nobody-to-recover-with');
    assert.deepEqual(bench.list, [A, B, C]);
  });
});
