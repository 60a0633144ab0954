import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Member } from '../../src/registry/cluster.js';
import { followed } from '../../src/registry/leave.js';
import { deliver, seeEnd } from '../../src/registry/lease.js';
import { lacking, notFollowed } from '../../src/registry/quorum.js';
import { A, B, Bench, C, D, E, F } from './rules.js';

describe('R4 Leave', () => {
  it('takes effect at once', () => {
    const bench = new Bench().bootstrap(A, B, C);
    assert.deepEqual(bench.do({ type: 'leave', address: C }), { type: 'left' });
    assert.deepEqual(bench.list, [A, B]);
    assert.equal(bench.cluster.size, 2);
    assert.deepEqual(bench.said().slice(-1), [`left ${C}`]);
  });

  it('is complete when every other live member has been sent the list', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.do({ type: 'leave', address: C });
    assert.deepEqual(lacking(bench.cluster, 2, bench), [A, B]);
    bench.poll(A);
    assert.deepEqual(lacking(bench.cluster, 2, bench), [B]);
    bench.pass(15_000, [A]);
    assert.deepEqual(lacking(bench.cluster, 2, bench), [], 'B is silent');
  });

  it('gives the others time to tell Raft, after they were sent the list', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.do({ type: 'leave', address: C });
    bench.poll(A);
    bench.poll(B);
    assert.deepEqual(notFollowed(bench.cluster, 2, bench), [A, B]);
    bench.now += 2_999;
    assert.deepEqual(notFollowed(bench.cluster, 2, bench), [A, B]);
    bench.now += 1;
    assert.deepEqual(notFollowed(bench.cluster, 2, bench), []);
  });

  it('is asked whether it is complete as often as one likes, at the cost of who was behind', () => {
    const others = Array.from({ length: 400 }, (_, i) => `10.0.${i >> 8}.${i & 255}:8848`);
    const bench = new Bench().bootstrap(C, ...others);
    bench.do({ type: 'leave', address: C });
    let looked = 0;
    class Counted extends Map<string, Member> {
      override get(address: string): Member | undefined {
        looked++;
        return super.get(address);
      }
      override values(): MapIterator<Member> {
        looked += this.size;
        return super.values();
      }
    }
    const members = new Counted(bench.cluster.members);
    const cluster = { ...bench.cluster, members };
    const isFollowed = followed({ address: C, revision: 2 });
    // In the worst order: who is asked for first has it last.
    for (const address of others) {
      for (let i = 0; i < 10; i++) assert.equal(isFollowed(cluster, bench), false);
      deliver(members.get(address)!.lease, 2, bench.now);
    }
    bench.now += 2_999;
    assert.equal(isFollowed(cluster, bench), false, 'they tell Raft');
    bench.now += 1;
    assert.equal(isFollowed(cluster, bench), true);
    assert.ok(looked < 20 * others.length, `${looked} looks for ${10 * others.length} questions`);
  });

  it('does not register the leaving node again for 15 s', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.do({ type: 'leave', address: C });
    bench.now += 14_999;
    const reply = bench.poll(C);
    assert.equal(reply.type === 'waiting' && reply.why, 'left');
    assert.deepEqual(bench.waiting, []);
    bench.now += 1;
    bench.poll(A);
    bench.poll(B);
    assert.equal(bench.poll(C).type, 'listed');
  });

  it('never does on a connection opened before the leave', () => {
    const bench = new Bench().bootstrap(A, B, C);
    const connectedAt = bench.now - 1;
    bench.do({ type: 'leave', address: C });
    for (let poll = 0; poll < 200; poll++) {
      bench.pass(5_000, [A, B]);
      assert.equal(bench.poll(C, { connectedAt }).type, 'waiting');
    }
    assert.deepEqual(bench.list, [A, B]);
  });

  it('is quiet for 15 s after the end of its wait', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.do({ type: 'leave', address: C, wait: 10_000 });
    bench.pass(24_000, [A, B]);
    assert.equal(bench.poll(C).type, 'waiting');
    bench.pass(1_000, [A, B]);
    assert.equal(bench.poll(C).type, 'listed');
  });

  it('starts the quiet time anew when it is said again', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.do({ type: 'leave', address: C });
    bench.pass(10_000, [A, B]);
    assert.deepEqual(bench.do({ type: 'leave', address: C }), { type: 'left' });
    bench.pass(10_000, [A, B]);
    assert.equal(bench.poll(C).type, 'waiting');
  });

  it('forgets a leave in the end', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.do({ type: 'leave', address: C });
    bench.pass(140_000, [A, B]);
    assert.equal(bench.cluster.departed.size, 0);
    assert.deepEqual(bench.do({ type: 'leave', address: C }), { type: 'unknown' });
  });

  it('empties the cluster with the last, and the next bootstrap is a new epoch', () => {
    const bench = new Bench().bootstrap(A, B);
    bench.do({ type: 'leave', address: A });
    bench.do({ type: 'leave', address: B });
    assert.deepEqual(bench.list, []);
    assert.equal(bench.cluster.size, 0);
    assert.equal(bench.poll(C, { expect: 2 }).type, 'waiting');
    bench.poll(D, { expect: 2 });
    assert.deepEqual(bench.list, [C, D]);
    assert.equal(bench.cluster.epoch, 2);
    assert.equal(bench.cluster.revision, 4);
  });

  it('is unknown for an address that never was', () => {
    const bench = new Bench().bootstrap(A);
    assert.deepEqual(bench.do({ type: 'leave', address: D }), { type: 'unknown' });
    assert.equal(bench.cluster.revision, 1);
  });

  it('takes a waiting address from the gate', () => {
    const bench = new Bench();
    bench.poll(A, { expect: 2 });
    assert.deepEqual(bench.do({ type: 'leave', address: A }), { type: 'left' });
    assert.deepEqual(bench.waiting, []);
  });

  it('needs no majority', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.pass(60_000, [A], [B, C]);
    bench.do({ type: 'leave', address: B });
    assert.deepEqual(bench.list, [A, C]);
  });
});

describe("R4 Leave by an operator's word", () => {
  const operator = { force: false };
  const byForce = { force: true };
  const lately = (address: string, since: number, left: number) => ({
    code: 'heard-lately',
    reason: `${address} stays on nacos/serverlist: its last sign of life was ${since} s ago, and if it led Raft and the others have no new leader yet, it would stay a voter for ever. Try again in ${left} s`,
  });

  it('takes a live member off at once, as its own word does', () => {
    const bench = new Bench().bootstrap(A, B, C);
    assert.deepEqual(bench.do({ type: 'leave', address: C, operator }), { type: 'left' });
    assert.deepEqual(bench.list, [A, B]);
  });

  it('is refused for 30 s after the last sign of life of a member that is not live', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.pass(15_000, [A, B]);
    bench.now += 3_500;
    const reply = bench.do({ type: 'leave', address: C, operator });
    assert.deepEqual(reply, { type: 'refused', ...lately(C, 18, 12) });
    assert.deepEqual(bench.list, [A, B, C]);
    bench.now += 11_499;
    bench.hear(A);
    bench.hear(B);
    assert.equal(bench.do({ type: 'leave', address: C, operator }).type, 'refused');
    bench.now += 1;
    assert.deepEqual(bench.do({ type: 'leave', address: C, operator }), { type: 'left' });
    assert.deepEqual(bench.list, [A, B]);
  });

  it('counts an open port and the end of its connection as signs of life', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.pass(40_000, [A, B]);
    bench.probe(C, 'open');
    assert.equal(bench.do({ type: 'leave', address: C, operator }).type, 'refused');
    bench.pass(25_000, [A, B]);
    seeEnd(bench.cluster.members.get(C)!.lease, bench.now);
    bench.pass(25_000, [A, B]);
    assert.equal(bench.do({ type: 'leave', address: C, operator }).type, 'refused');
    bench.pass(5_000, [A, B]);
    assert.equal(bench.do({ type: 'leave', address: C, operator }).type, 'left');
  });

  it('is refused at once for one that is down, which may have led until just now', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.now += 1_000;
    bench.probe(C, 'refused');
    assert.equal(bench.do({ type: 'leave', address: C, operator }).type, 'refused');
  });

  it('is refused for one whose poll is late, which may have died with its host', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.pass(10_000, [A, B, C]);
    bench.pass(9_000, [A, B]);
    assert.deepEqual(bench.do({ type: 'leave', address: C, operator }), {
      type: 'refused',
      ...lately(C, 9, 21),
    });
    bench.pass(21_000, [A, B]);
    assert.equal(bench.do({ type: 'leave', address: C, operator }).type, 'left');
  });

  it('is refused for one that is not live while another may just have died, which may have led', () => {
    const bench = new Bench().bootstrap(A, B, C, D, E);
    bench.pass(40_000, [A, B, C, D], [E], 'refused');
    bench.probe(A, 'refused');
    const reply = bench.do({ type: 'leave', address: E, operator });
    assert.equal(reply.type, 'refused');
    assert.match(JSON.stringify(reply), new RegExp(`"heard-lately".*: ${A} may just have died`));
    assert.deepEqual(bench.list, [A, B, C, D, E]);
    assert.equal(bench.do({ type: 'leave', address: E, operator: byForce }).type, 'left');
  });

  it('is refused for members that are not live while the quorum is lost', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.pass(60_000, [A], [B, C]);
    const reply = bench.do({ type: 'leave', address: B, operator });
    assert.deepEqual(reply, {
      type: 'refused',
      code: 'quorum-lost',
      reason: `${B} stays on nacos/serverlist: only 1 of 3 members are live, no majority, and Raft could not remove it. Restart the missing nodes at their addresses; if they are gone for good, start new ones and recover the cluster`,
    });
    assert.deepEqual(bench.list, [A, B, C]);
    assert.deepEqual(bench.do({ type: 'leave', address: A, operator }), { type: 'left' });
  });

  it('takes anybody off by force', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.pass(16_000, [A, B]);
    assert.deepEqual(bench.do({ type: 'leave', address: C, operator: byForce }), { type: 'left' });
    bench.pass(60_000, [A], [B]);
    assert.deepEqual(bench.do({ type: 'leave', address: B, operator: byForce }), { type: 'left' });
    assert.deepEqual(bench.list, [A]);
  });

  it("is not asked of a member's own word", () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.pass(16_000, [A, B]);
    assert.deepEqual(bench.do({ type: 'leave', address: C }), { type: 'left' });
  });

  it('takes static and waiting addresses off as ever', () => {
    const bench = new Bench().bootstrap(A, B);
    bench.poll(C);
    bench.do({ type: 'put', addresses: [D] });
    bench.poll(E);
    assert.deepEqual(bench.waiting, [E]);
    assert.deepEqual(bench.do({ type: 'leave', address: D, operator }), { type: 'left' });
    assert.deepEqual(bench.do({ type: 'leave', address: E, operator }), { type: 'left' });
    assert.deepEqual(bench.do({ type: 'leave', address: F, operator }), { type: 'unknown' });
    assert.deepEqual(bench.waiting, []);
    assert.deepEqual(bench.list, [A, B, C]);
  });
});

describe('size', () => {
  it('stays when a replacement joined before the old one left', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.poll(D);
    bench.do({ type: 'leave', address: A });
    assert.equal(bench.cluster.size, 3);
  });

  it('grows by a larger expect, not by polls that repeat the old one', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.do({ type: 'leave', address: C });
    bench.poll(A, { expect: 3 });
    assert.equal(bench.cluster.size, 2);
    bench.poll(A, { expect: 5 });
    assert.equal(bench.cluster.size, 5);
  });

  it('is three again when a replacement with expect=3 came after a leave', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.do({ type: 'leave', address: C });
    bench.poll(D, { expect: 3 });
    bench.pass(30_000, [A, B, D]);
    assert.equal(bench.cluster.size, 3);
  });
});

describe('static members', () => {
  it('may be put onto a list, and deleted again', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.do({ type: 'put', addresses: [C, D] });
    assert.deepEqual(bench.list, [A, B, C, D]);
    assert.equal(bench.cluster.members.get(C)?.source, 'static');
    assert.equal(bench.cluster.revision, 2);
    bench.do({ type: 'delete', addresses: [D, '127.0.0.99:8848'] });
    assert.deepEqual(bench.list, [A, B, C]);
    assert.equal(bench.cluster.revision, 3);
  });

  it('change nothing when they are there already', () => {
    const bench = new Bench();
    bench.do({ type: 'put', addresses: [A] });
    const { revision } = bench.cluster;
    bench.do({ type: 'put', addresses: [A] });
    assert.equal(bench.cluster.revision, revision);
    assert.equal(bench.said().filter((event) => event.startsWith('admitted')).length, 0);
  });
});
