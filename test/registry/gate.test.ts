import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deliver } from '../../src/registry/lease.js';
import { A, B, RuleHarness, C, D, E, F, voters } from './harness.js';

describe('R2 Known', () => {
  it('gives a listed address the list at once, also while the majority is lost', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(60_000, [], [A, B, C]);
    assert.deepEqual(harness.poll(B), { type: 'listed' });
    assert.ok(harness.list.includes(B));
  });
});

describe('R3 Gate', () => {
  it('admits a new address to a live list', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    assert.deepEqual(harness.poll(D), { type: 'listed' });
    assert.deepEqual(harness.list, [A, B, C, D]);
    assert.deepEqual(harness.said().slice(-2), [`waiting ${D}`, `admitted ${D}`]);
  });

  it('holds it while no majority is live, and admits it when one is again', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(20_000, [A], [B, C]);
    const reply = harness.poll(D);
    assert.equal(reply.type === 'waiting' && reply.why, 'gate');
    assert.match(reply.type === 'waiting' ? reply.reason : '', /only 1 of 3 members are live/);
    harness.poll(B);
    assert.deepEqual(harness.list, [A, B, C, D]);
  });

  it('does not count a member whose port refuses as live', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(1_000, [], [B, C], 'refused');
    assert.equal(harness.poll(D).type, 'waiting');
  });

  it('lets nodes that start without expect join one after another', () => {
    const harness = new RuleHarness();
    harness.poll(A);
    assert.equal(harness.poll(B).type, 'listed');
    const reply = harness.poll(C);
    assert.match(reply.type === 'waiting' ? reply.reason : '', /127\.0\.0\.2:8848 joined only just/);
    harness.pass(19_000, [A, B, C]);
    assert.deepEqual(harness.list, [A, B]);
    harness.pass(12_000, [A, B, C]);
    assert.deepEqual(harness.list, [A, B, C]);
  });

  it('lets nobody onto the list with which the initial members start: each on it is a voter at once, whether it comes again or not', () => {
    const harness = new RuleHarness();
    const initialMembers = [A, B, C];
    for (const address of initialMembers) harness.heartbeat(address, { expect: 3, revision: 0 });
    const reply = harness.heartbeat(D, { revision: 0 });
    const reason = `${D} waits to join nacos/serverlist: ${initialMembers.join(', ')} bootstrap the cluster and must have its list first`;
    assert.deepEqual(reply, { type: 'waiting', why: 'gate', reason });
    for (const address of [A, B]) deliver(harness.cluster.members.get(address)!.lease, 1, harness.now);
    assert.equal(harness.heartbeat(D, { revision: 0 }).type, 'waiting');
    deliver(harness.cluster.members.get(C)!.lease, 1, harness.now);
    assert.equal(harness.heartbeat(D, { revision: 0 }).type, 'listed');
  });

  it('waits for initial members for 8 s only: a server that is cut off may have sent them their list', () => {
    const harness = new RuleHarness();
    for (const address of [A, B, C]) harness.heartbeat(address, { expect: 3, revision: 0 });
    harness.now += 7_999;
    assert.equal(harness.heartbeat(D, { revision: 0 }).type, 'waiting');
    harness.now += 1;
    assert.equal(harness.heartbeat(D, { revision: 0 }).type, 'listed');
  });

  it('does not wait for initial members of which nothing shows that they have the list', () => {
    const harness = new RuleHarness();
    for (const address of [A, B, C]) harness.heartbeat(address, { expect: 3 });
    assert.equal(harness.heartbeat(D).type, 'listed', 'scripts only say that they are there');
  });

  it('keeps those that have settled a majority of the new list', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.poll(D);
    assert.equal(harness.poll(E).type, 'listed', '3 of 5 have data');
    assert.equal(harness.poll(F).type, 'waiting', '3 of 6 are no majority');
    harness.pass(40_000, [A, B, C, D, E, F]);
    assert.deepEqual(harness.list, [A, B, C, D, E, F]);
  });

  describe('beside a newcomer counts among those that have data', () => {
    const reason = `${E} waits to join nacos/serverlist: ${D} joined only just, and ${C} is not live, or had a break less than 30 s ago: those that have their data for certain must stay a majority`;
    /** C is silent, and D has just come in. */
    const silent = (): RuleHarness => {
      const harness = new RuleHarness().bootstrap(A, B, C);
      harness.pass(60_000, [A, B]);
      return harness;
    };

    it('nobody that is not live: an initial member may be blank', () => {
      const harness = silent();
      assert.equal(harness.poll(D).type, 'listed');
      assert.deepEqual(harness.poll(E), { type: 'waiting', why: 'gate', reason });
      harness.pass(20_000, [A, B, D, E]);
      assert.deepEqual(harness.waiting, [E]);
      harness.pass(10_000, [A, B, D, E]);
      assert.equal(harness.cluster.members.get(D)?.settled, true);
      assert.deepEqual(harness.list, [A, B, C, D, E]);
    });

    it('nobody that is back only just, until the groups are seen to have leaders', () => {
      const harness = silent();
      harness.poll(C);
      assert.equal(harness.poll(D).type, 'listed');
      assert.deepEqual(harness.poll(E), { type: 'waiting', why: 'gate', reason });
      harness.seen = voters(A, B, C);
      harness.pass(1_000, [A, B, C, D]);
      assert.equal(harness.cluster.members.get(D)?.settled, false);
      assert.equal(harness.poll(E).type, 'listed', 'a leader gives a blank one its data');
    });
  });

  it('settles a joiner only when the other live members have the list with it', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.poll(D);
    harness.poll(A);
    harness.poll(B);
    for (let second = 0; second < 40; second++) {
      // C is heard, but never receives the new list.
      harness.now += 1_000;
      for (const address of [A, B, D]) harness.poll(address);
      harness.hear(C);
      harness.do({ type: 'tick' });
    }
    assert.equal(harness.cluster.members.get(D)?.settled, false);
    harness.poll(C);
    harness.pass(21_000, [A, B, C, D]);
    assert.equal(harness.cluster.members.get(D)?.settled, true);
  });

  it('does not settle a joiner that never came back', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.poll(D);
    harness.pass(40_000, [A, B, C]);
    assert.equal(harness.cluster.members.get(D)?.settled, false);
  });

  it('admits who waits in the order of arrival', () => {
    const harness = new RuleHarness().bootstrap(A);
    harness.poll(B);
    harness.poll(C);
    harness.poll(D);
    harness.pass(30_000, [A, B, D, C]);
    assert.deepEqual(harness.list.slice(0, 3), [A, B, C]);
  });

  it('does not admit one that neither is held nor comes back', () => {
    const harness = new RuleHarness().bootstrap(A);
    harness.poll(B);
    harness.pass(15_000, [A, B]);
    harness.poll(C);
    harness.pass(12_000, [A, B]);
    assert.deepEqual(harness.list, [A, B]);
    assert.deepEqual(harness.waiting, [C]);
  });
});

describe('ids', () => {
  it('refuses the id of a live member for another address', () => {
    const harness = new RuleHarness();
    harness.poll(A, { id: 'nacos-0' });
    const reply = harness.poll(B, { id: 'nacos-0' });
    assert.equal(reply.type === 'refused' && reply.code, 'id-in-use');
    assert.deepEqual(harness.waiting, []);
  });

  it('refuses the id of one that waits and is heard', () => {
    const harness = new RuleHarness();
    harness.poll(A, { id: 'nacos-0', expect: 2 });
    assert.equal(harness.poll(B, { id: 'nacos-0', expect: 2 }).type, 'refused');
  });

  it('takes a new address with the id of a silent member', () => {
    const harness = new RuleHarness().bootstrapWithIds(A, B, C);
    harness.pass(20_000, [A, B], [C]);
    assert.equal(harness.poll(D, { id: 'n2' }).type, 'listed');
    assert.match(harness.events.at(-1)?.reason ?? '', /to replace 127\.0\.0\.3:8848/);
  });

  it('takes a new address with the id of a static member whose port refuses', () => {
    const harness = new RuleHarness().bootstrapWithIds(A, B, C);
    harness.do({ type: 'put', addresses: [C] });
    assert.equal(harness.poll(D, { id: 'n2' }).type, 'refused', 'it lives');
    harness.pass(20_000, [A, B], [C], 'refused');
    assert.equal(harness.poll(D, { id: 'n2' }).type, 'listed');
    assert.deepEqual(harness.list, [A, B, C, D]);
  });

  it('learns an id that a listed member tells later', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.poll(A, { id: 'n0' });
    assert.equal(harness.cluster.members.get(A)?.id, 'n0');
    assert.equal(harness.cluster.revision, 1);
  });
});

describe('what is refused', () => {
  it('another spelling of a member', () => {
    const harness = new RuleHarness();
    harness.poll('nacos-0.nacos:8848');
    harness.poll('[2001:db8::1]:8848');
    for (const address of ['NACOS-0.nacos:8848', 'nacos-0.nacos.:8848', '[2001:DB8:0::1]:8848']) {
      const reply = harness.poll(address);
      assert.equal(reply.type === 'refused' && reply.code, 'other-spelling', address);
    }
    assert.equal(harness.do({ type: 'put', addresses: ['Nacos-0.nacos:8848'] }).type, 'refused');
    assert.equal(harness.do({ type: 'put', addresses: ['x.y:1', 'X.y:1'] }).type, 'refused');
  });

  it('more than 1,000 addresses of a cluster', () => {
    const harness = new RuleHarness();
    const addresses = Array.from({ length: 1_000 }, (_, i) => `127.0.${i >> 8}.${i & 255}:8848`);
    assert.equal(harness.do({ type: 'put', addresses }).type, 'done');
    const reply = harness.poll('127.9.9.9:8848');
    assert.equal(reply.type === 'refused' && reply.code, 'too-many-addresses');
    assert.equal(harness.do({ type: 'put', addresses: ['127.9.9.9:8848'] }).type, 'refused');
    assert.equal(harness.poll(addresses[0] ?? '').type, 'listed');
  });

  it('more than 10,000 clusters, but no member of those that are', () => {
    const harness = new RuleHarness();
    harness.clusters = 10_000;
    const reply = harness.poll(A);
    assert.equal(reply.type === 'refused' && reply.code, 'too-many-clusters');
    harness.clusters = 9_999;
    harness.poll(A);
    harness.clusters = 10_000;
    assert.equal(harness.poll(A).type, 'listed');
    assert.equal(harness.poll(B).type, 'listed');
  });
});
