import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Member } from '../../src/registry/cluster.js';
import { followed } from '../../src/registry/leave.js';
import { deliver, seeEnd } from '../../src/registry/lease.js';
import { lacking, notFollowed } from '../../src/registry/quorum.js';
import { A, B, RuleHarness, C, D, E, F } from './harness.js';

describe('R4 Leave', () => {
  it('takes effect at once', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    assert.deepEqual(harness.do({ type: 'leave', address: C }), { type: 'left' });
    assert.deepEqual(harness.list, [A, B]);
    assert.equal(harness.cluster.size, 2);
    assert.deepEqual(harness.said().slice(-1), [`left ${C}`]);
  });

  it('is complete when every other live member has been sent the list', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.do({ type: 'leave', address: C });
    assert.deepEqual(lacking(harness.cluster, 2, harness), [A, B]);
    harness.poll(A);
    assert.deepEqual(lacking(harness.cluster, 2, harness), [B]);
    harness.pass(15_000, [A]);
    assert.deepEqual(lacking(harness.cluster, 2, harness), [], 'B is silent');
  });

  it('gives the others time to tell Raft, after they were sent the list', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.do({ type: 'leave', address: C });
    harness.poll(A);
    harness.poll(B);
    assert.deepEqual(notFollowed(harness.cluster, 2, harness), [A, B]);
    harness.now += 2_999;
    assert.deepEqual(notFollowed(harness.cluster, 2, harness), [A, B]);
    harness.now += 1;
    assert.deepEqual(notFollowed(harness.cluster, 2, harness), []);
  });

  it('is asked whether it is complete as often as one likes, at the cost of who was behind', () => {
    const others = Array.from({ length: 400 }, (_, i) => `10.0.${i >> 8}.${i & 255}:8848`);
    const harness = new RuleHarness().bootstrap(C, ...others);
    harness.do({ type: 'leave', address: C });
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
    const members = new Counted(harness.cluster.members);
    const cluster = { ...harness.cluster, members };
    const isFollowed = followed({ address: C, revision: 2 });
    // In the worst order: who is asked for first has it last.
    for (const address of others) {
      for (let i = 0; i < 10; i++) assert.equal(isFollowed(cluster, harness), false);
      deliver(members.get(address)!.lease, 2, harness.now);
    }
    harness.now += 2_999;
    assert.equal(isFollowed(cluster, harness), false, 'they tell Raft');
    harness.now += 1;
    assert.equal(isFollowed(cluster, harness), true);
    assert.ok(looked < 20 * others.length, `${looked} looks for ${10 * others.length} questions`);
  });

  it('does not register the leaving node again for 15 s', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.do({ type: 'leave', address: C });
    harness.now += 14_999;
    const reply = harness.poll(C);
    assert.equal(reply.type === 'waiting' && reply.why, 'left');
    assert.deepEqual(harness.waiting, []);
    harness.now += 1;
    harness.poll(A);
    harness.poll(B);
    assert.equal(harness.poll(C).type, 'listed');
  });

  it('never does on a connection opened before the leave', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    const connectedAt = harness.now - 1;
    harness.do({ type: 'leave', address: C });
    for (let poll = 0; poll < 200; poll++) {
      harness.pass(5_000, [A, B]);
      assert.equal(harness.poll(C, { connectedAt }).type, 'waiting');
    }
    assert.deepEqual(harness.list, [A, B]);
  });

  it('is quiet for 15 s after the end of its wait', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.do({ type: 'leave', address: C, wait: 10_000 });
    harness.pass(24_000, [A, B]);
    assert.equal(harness.poll(C).type, 'waiting');
    harness.pass(1_000, [A, B]);
    assert.equal(harness.poll(C).type, 'listed');
  });

  it('starts the quiet time anew when it is said again', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.do({ type: 'leave', address: C });
    harness.pass(10_000, [A, B]);
    assert.deepEqual(harness.do({ type: 'leave', address: C }), { type: 'left' });
    harness.pass(10_000, [A, B]);
    assert.equal(harness.poll(C).type, 'waiting');
  });

  it('forgets a leave in the end', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.do({ type: 'leave', address: C });
    harness.pass(140_000, [A, B]);
    assert.equal(harness.cluster.tombstones.size, 0);
    assert.deepEqual(harness.do({ type: 'leave', address: C }), { type: 'unknown' });
  });

  it('empties the cluster with the last, and the next bootstrap is a new epoch', () => {
    const harness = new RuleHarness().bootstrap(A, B);
    harness.do({ type: 'leave', address: A });
    harness.do({ type: 'leave', address: B });
    assert.deepEqual(harness.list, []);
    assert.equal(harness.cluster.size, 0);
    assert.equal(harness.poll(C, { expect: 2 }).type, 'waiting');
    harness.poll(D, { expect: 2 });
    assert.deepEqual(harness.list, [C, D]);
    assert.equal(harness.cluster.epoch, 2);
    assert.equal(harness.cluster.revision, 4);
  });

  it('is unknown for an address that never was', () => {
    const harness = new RuleHarness().bootstrap(A);
    assert.deepEqual(harness.do({ type: 'leave', address: D }), { type: 'unknown' });
    assert.equal(harness.cluster.revision, 1);
  });

  it('takes a waiting address from the gate', () => {
    const harness = new RuleHarness();
    harness.poll(A, { expect: 2 });
    assert.deepEqual(harness.do({ type: 'leave', address: A }), { type: 'left' });
    assert.deepEqual(harness.waiting, []);
  });

  it('needs no majority', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(60_000, [A], [B, C]);
    harness.do({ type: 'leave', address: B });
    assert.deepEqual(harness.list, [A, C]);
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
    const harness = new RuleHarness().bootstrap(A, B, C);
    assert.deepEqual(harness.do({ type: 'leave', address: C, operator }), { type: 'left' });
    assert.deepEqual(harness.list, [A, B]);
  });

  it('is refused for 30 s after the last sign of life of a member that is not live', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(15_000, [A, B]);
    harness.now += 3_500;
    const reply = harness.do({ type: 'leave', address: C, operator });
    assert.deepEqual(reply, { type: 'refused', ...lately(C, 18, 12) });
    assert.deepEqual(harness.list, [A, B, C]);
    harness.now += 11_499;
    harness.hear(A);
    harness.hear(B);
    assert.equal(harness.do({ type: 'leave', address: C, operator }).type, 'refused');
    harness.now += 1;
    assert.deepEqual(harness.do({ type: 'leave', address: C, operator }), { type: 'left' });
    assert.deepEqual(harness.list, [A, B]);
  });

  it('counts an open port and the end of its connection as signs of life', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(40_000, [A, B]);
    harness.probe(C, 'open');
    assert.equal(harness.do({ type: 'leave', address: C, operator }).type, 'refused');
    harness.pass(25_000, [A, B]);
    seeEnd(harness.cluster.members.get(C)!.lease, harness.now);
    harness.pass(25_000, [A, B]);
    assert.equal(harness.do({ type: 'leave', address: C, operator }).type, 'refused');
    harness.pass(5_000, [A, B]);
    assert.equal(harness.do({ type: 'leave', address: C, operator }).type, 'left');
  });

  it('is refused at once for one that is down, which may have led until just now', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.now += 1_000;
    harness.probe(C, 'refused');
    assert.equal(harness.do({ type: 'leave', address: C, operator }).type, 'refused');
  });

  it('is refused for one whose poll is late, which may have died with its host', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(10_000, [A, B, C]);
    harness.pass(9_000, [A, B]);
    assert.deepEqual(harness.do({ type: 'leave', address: C, operator }), {
      type: 'refused',
      ...lately(C, 9, 21),
    });
    harness.pass(21_000, [A, B]);
    assert.equal(harness.do({ type: 'leave', address: C, operator }).type, 'left');
  });

  it('is refused for one that is not live while another may just have died, which may have led', () => {
    const harness = new RuleHarness().bootstrap(A, B, C, D, E);
    harness.pass(40_000, [A, B, C, D], [E], 'refused');
    harness.probe(A, 'refused');
    const reply = harness.do({ type: 'leave', address: E, operator });
    assert.equal(reply.type, 'refused');
    assert.match(JSON.stringify(reply), new RegExp(`"heard-lately".*: ${A} may just have died`));
    assert.deepEqual(harness.list, [A, B, C, D, E]);
    assert.equal(harness.do({ type: 'leave', address: E, operator: byForce }).type, 'left');
  });

  it('is refused for one that the others were not sent on a list yet, and so would not have removed from Raft', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.poll(D);
    assert.deepEqual(harness.list, [A, B, C, D]);
    harness.now += 5_000;
    harness.poll(D);
    // They are heard, and get another list: not all servers have agreed on that with D yet.
    const pass = (): void => {
      for (let second = 1; second <= 40; second++) {
        harness.now += 1_000;
        for (const address of [A, B, C]) harness.hear(address);
        harness.do({ type: 'tick' });
      }
    };
    pass();
    const reply = harness.do({ type: 'leave', address: D, operator });
    assert.deepEqual(reply, {
      type: 'refused',
      code: 'heard-lately',
      reason: `${D} stays on nacos/serverlist: ${A}, ${B}, ${C} have not been sent the list with it yet, and if it is a voter of Raft, nobody would see it vanish and have it removed. Try again in some seconds`,
    });
    for (const address of [A, B, C]) harness.poll(address);
    assert.deepEqual(harness.do({ type: 'leave', address: D, operator }), { type: 'left' });
  });

  it('is refused for members that are not live while the quorum is lost', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(60_000, [A], [B, C]);
    const reply = harness.do({ type: 'leave', address: B, operator });
    assert.deepEqual(reply, {
      type: 'refused',
      code: 'quorum-lost',
      reason: `${B} stays on nacos/serverlist: only 1 of 3 members are live, no majority, and Raft could not remove it. Restart the missing nodes at their addresses; if they are gone for good, start new ones and recover the cluster`,
    });
    assert.deepEqual(harness.list, [A, B, C]);
    assert.deepEqual(harness.do({ type: 'leave', address: A, operator }), { type: 'left' });
  });

  it('takes anybody off by force', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(16_000, [A, B]);
    assert.deepEqual(harness.do({ type: 'leave', address: C, operator: byForce }), { type: 'left' });
    harness.pass(60_000, [A], [B]);
    assert.deepEqual(harness.do({ type: 'leave', address: B, operator: byForce }), { type: 'left' });
    assert.deepEqual(harness.list, [A]);
  });

  it("is not asked of a member's own word", () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(16_000, [A, B]);
    assert.deepEqual(harness.do({ type: 'leave', address: C }), { type: 'left' });
  });

  it('takes static and waiting addresses off as ever', () => {
    const harness = new RuleHarness().bootstrap(A, B);
    harness.poll(C);
    harness.do({ type: 'put', addresses: [D] });
    harness.poll(E);
    assert.deepEqual(harness.waiting, [E]);
    assert.deepEqual(harness.do({ type: 'leave', address: D, operator }), { type: 'left' });
    assert.deepEqual(harness.do({ type: 'leave', address: E, operator }), { type: 'left' });
    assert.deepEqual(harness.do({ type: 'leave', address: F, operator }), { type: 'unknown' });
    assert.deepEqual(harness.waiting, []);
    assert.deepEqual(harness.list, [A, B, C]);
  });
});

describe('size', () => {
  it('stays when a replacement joined before the old one left', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.poll(D);
    harness.do({ type: 'leave', address: A });
    assert.equal(harness.cluster.size, 3);
  });

  it('grows by a larger expect, not by polls that repeat the old one', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.do({ type: 'leave', address: C });
    harness.poll(A, { expect: 3 });
    assert.equal(harness.cluster.size, 2);
    harness.poll(A, { expect: 5 });
    assert.equal(harness.cluster.size, 5);
  });

  it('is three again when a replacement with expect=3 came after a leave', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.do({ type: 'leave', address: C });
    harness.poll(D, { expect: 3 });
    harness.pass(30_000, [A, B, D]);
    assert.equal(harness.cluster.size, 3);
  });
});

describe('static members', () => {
  it('may be put onto a list, and deleted again', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.do({ type: 'put', addresses: [C, D] });
    assert.deepEqual(harness.list, [A, B, C, D]);
    assert.equal(harness.cluster.members.get(C)?.source, 'static');
    assert.equal(harness.cluster.revision, 2);
    harness.do({ type: 'delete', addresses: [D, '127.0.0.99:8848'] });
    assert.deepEqual(harness.list, [A, B, C]);
    assert.equal(harness.cluster.revision, 3);
  });

  it('change nothing when they are there already', () => {
    const harness = new RuleHarness();
    harness.do({ type: 'put', addresses: [A] });
    const { revision } = harness.cluster;
    harness.do({ type: 'put', addresses: [A] });
    assert.equal(harness.cluster.revision, revision);
    assert.equal(harness.said().filter((event) => event.startsWith('admitted')).length, 0);
  });
});
