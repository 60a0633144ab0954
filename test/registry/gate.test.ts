import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deliver } from '../../src/registry/lease.js';
import { A, B, Bench, C, D, E, F, voters } from './rules.js';

describe('R2 Known', () => {
  it('gives a listed address the list at once, also while the majority is lost', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.pass(60_000, [], [A, B, C]);
    assert.deepEqual(bench.poll(B), { type: 'listed' });
    assert.ok(bench.list.includes(B));
  });
});

describe('R3 Gate', () => {
  it('admits a new address to a live list', () => {
    const bench = new Bench().bootstrap(A, B, C);
    assert.deepEqual(bench.poll(D), { type: 'listed' });
    assert.deepEqual(bench.list, [A, B, C, D]);
    assert.deepEqual(bench.said().slice(-2), [`waiting ${D}`, `admitted ${D}`]);
  });

  it('holds it while no majority is live, and admits it when one is again', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.pass(20_000, [A], [B, C]);
    const reply = bench.poll(D);
    assert.equal(reply.type === 'waiting' && reply.why, 'gate');
    assert.match(reply.type === 'waiting' ? reply.reason : '', /only 1 of 3 members are live/);
    bench.poll(B);
    assert.deepEqual(bench.list, [A, B, C, D]);
  });

  it('does not count a member whose port refuses as live', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.pass(1_000, [], [B, C], 'refused');
    assert.equal(bench.poll(D).type, 'waiting');
  });

  it('lets nodes that start without expect join one after another', () => {
    const bench = new Bench();
    bench.poll(A);
    assert.equal(bench.poll(B).type, 'listed');
    const reply = bench.poll(C);
    assert.match(reply.type === 'waiting' ? reply.reason : '', /127\.0\.0\.2:8848 joined only just/);
    bench.pass(19_000, [A, B, C]);
    assert.deepEqual(bench.list, [A, B]);
    bench.pass(12_000, [A, B, C]);
    assert.deepEqual(bench.list, [A, B, C]);
  });

  it('lets nobody onto the list with which the initial members start: each on it is a voter at once, whether it comes again or not', () => {
    const bench = new Bench();
    const initialMembers = [A, B, C];
    for (const address of initialMembers) bench.heartbeat(address, { expect: 3, revision: 0 });
    const reply = bench.heartbeat(D, { revision: 0 });
    const reason = `${D} waits to join nacos/serverlist: ${initialMembers.join(', ')} bootstrap the cluster and must have its list first`;
    assert.deepEqual(reply, { type: 'waiting', why: 'gate', reason });
    for (const address of [A, B]) deliver(bench.cluster.members.get(address)!.lease, 1, bench.now);
    assert.equal(bench.heartbeat(D, { revision: 0 }).type, 'waiting');
    deliver(bench.cluster.members.get(C)!.lease, 1, bench.now);
    assert.equal(bench.heartbeat(D, { revision: 0 }).type, 'listed');
  });

  it('waits for initial members for 8 s only: a server that is cut off may have sent them their list', () => {
    const bench = new Bench();
    for (const address of [A, B, C]) bench.heartbeat(address, { expect: 3, revision: 0 });
    bench.now += 7_999;
    assert.equal(bench.heartbeat(D, { revision: 0 }).type, 'waiting');
    bench.now += 1;
    assert.equal(bench.heartbeat(D, { revision: 0 }).type, 'listed');
  });

  it('does not wait for initial members of which nothing shows that they have the list', () => {
    const bench = new Bench();
    for (const address of [A, B, C]) bench.heartbeat(address, { expect: 3 });
    assert.equal(bench.heartbeat(D).type, 'listed', 'scripts only say that they are there');
  });

  it('keeps those that have settled a majority of the new list', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.poll(D);
    assert.equal(bench.poll(E).type, 'listed', '3 of 5 have data');
    assert.equal(bench.poll(F).type, 'waiting', '3 of 6 are no majority');
    bench.pass(40_000, [A, B, C, D, E, F]);
    assert.deepEqual(bench.list, [A, B, C, D, E, F]);
  });

  describe('beside a newcomer counts among those that have data', () => {
    const reason = `${E} waits to join nacos/serverlist: ${D} joined only just, and ${C} is not live, or had a break less than 30 s ago: those that have their data for certain must stay a majority`;
    /** C is silent, and D has just come in. */
    const silent = (): Bench => {
      const bench = new Bench().bootstrap(A, B, C);
      bench.pass(60_000, [A, B]);
      return bench;
    };

    it('nobody that is not live: an initial member may be blank', () => {
      const bench = silent();
      assert.equal(bench.poll(D).type, 'listed');
      assert.deepEqual(bench.poll(E), { type: 'waiting', why: 'gate', reason });
      bench.pass(20_000, [A, B, D, E]);
      assert.deepEqual(bench.waiting, [E]);
      bench.pass(10_000, [A, B, D, E]);
      assert.equal(bench.cluster.members.get(D)?.settled, true);
      assert.deepEqual(bench.list, [A, B, C, D, E]);
    });

    it('nobody that is back only just, until the groups are seen to have leaders', () => {
      const bench = silent();
      bench.poll(C);
      assert.equal(bench.poll(D).type, 'listed');
      assert.deepEqual(bench.poll(E), { type: 'waiting', why: 'gate', reason });
      bench.seen = voters(A, B, C);
      bench.pass(1_000, [A, B, C, D]);
      assert.equal(bench.cluster.members.get(D)?.settled, false);
      assert.equal(bench.poll(E).type, 'listed', 'a leader gives a blank one its data');
    });
  });

  it('settles a joiner only when the other live members have the list with it', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.poll(D);
    bench.poll(A);
    bench.poll(B);
    for (let second = 0; second < 40; second++) {
      // C is heard, but never receives the new list.
      bench.now += 1_000;
      for (const address of [A, B, D]) bench.poll(address);
      bench.hear(C);
      bench.do({ type: 'tick' });
    }
    assert.equal(bench.cluster.members.get(D)?.settled, false);
    bench.poll(C);
    bench.pass(21_000, [A, B, C, D]);
    assert.equal(bench.cluster.members.get(D)?.settled, true);
  });

  it('does not settle a joiner that never came back', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.poll(D);
    bench.pass(40_000, [A, B, C]);
    assert.equal(bench.cluster.members.get(D)?.settled, false);
  });

  it('admits who waits in the order of arrival', () => {
    const bench = new Bench().bootstrap(A);
    bench.poll(B);
    bench.poll(C);
    bench.poll(D);
    bench.pass(30_000, [A, B, D, C]);
    assert.deepEqual(bench.list.slice(0, 3), [A, B, C]);
  });

  it('does not admit one that neither is held nor comes back', () => {
    const bench = new Bench().bootstrap(A);
    bench.poll(B);
    bench.pass(15_000, [A, B]);
    bench.poll(C);
    bench.pass(12_000, [A, B]);
    assert.deepEqual(bench.list, [A, B]);
    assert.deepEqual(bench.waiting, [C]);
  });
});

describe('ids', () => {
  it('refuses the id of a live member for another address', () => {
    const bench = new Bench();
    bench.poll(A, { id: 'nacos-0' });
    const reply = bench.poll(B, { id: 'nacos-0' });
    assert.equal(reply.type === 'refused' && reply.code, 'id-in-use');
    assert.deepEqual(bench.waiting, []);
  });

  it('refuses the id of one that waits and is heard', () => {
    const bench = new Bench();
    bench.poll(A, { id: 'nacos-0', expect: 2 });
    assert.equal(bench.poll(B, { id: 'nacos-0', expect: 2 }).type, 'refused');
  });

  it('takes a new address with the id of a silent member', () => {
    const bench = new Bench().bootstrapWithIds(A, B, C);
    bench.pass(20_000, [A, B], [C]);
    assert.equal(bench.poll(D, { id: 'n2' }).type, 'listed');
    assert.match(bench.events.at(-1)?.reason ?? '', /to replace 127\.0\.0\.3:8848/);
  });

  it('takes a new address with the id of a static member whose port refuses', () => {
    const bench = new Bench().bootstrapWithIds(A, B, C);
    bench.do({ type: 'put', addresses: [C] });
    assert.equal(bench.poll(D, { id: 'n2' }).type, 'refused', 'it lives');
    bench.pass(20_000, [A, B], [C], 'refused');
    assert.equal(bench.poll(D, { id: 'n2' }).type, 'listed');
    assert.deepEqual(bench.list, [A, B, C, D]);
  });

  it('learns an id that a listed member tells later', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.poll(A, { id: 'n0' });
    assert.equal(bench.cluster.members.get(A)?.id, 'n0');
    assert.equal(bench.cluster.revision, 1);
  });
});

describe('what is refused', () => {
  it('another spelling of a member', () => {
    const bench = new Bench();
    bench.poll('nacos-0.nacos:8848');
    bench.poll('[2001:db8::1]:8848');
    for (const address of ['NACOS-0.nacos:8848', 'nacos-0.nacos.:8848', '[2001:DB8:0::1]:8848']) {
      const reply = bench.poll(address);
      assert.equal(reply.type === 'refused' && reply.code, 'other-spelling', address);
    }
    assert.equal(bench.do({ type: 'put', addresses: ['Nacos-0.nacos:8848'] }).type, 'refused');
    assert.equal(bench.do({ type: 'put', addresses: ['x.y:1', 'X.y:1'] }).type, 'refused');
  });

  it('more than 1,000 addresses of a cluster', () => {
    const bench = new Bench();
    const addresses = Array.from({ length: 1_000 }, (_, i) => `127.0.${i >> 8}.${i & 255}:8848`);
    assert.equal(bench.do({ type: 'put', addresses }).type, 'done');
    const reply = bench.poll('127.9.9.9:8848');
    assert.equal(reply.type === 'refused' && reply.code, 'too-many-addresses');
    assert.equal(bench.do({ type: 'put', addresses: ['127.9.9.9:8848'] }).type, 'refused');
    assert.equal(bench.poll(addresses[0] ?? '').type, 'listed');
  });

  it('more than 10,000 clusters, but no member of those that are', () => {
    const bench = new Bench();
    bench.clusters = 10_000;
    const reply = bench.poll(A);
    assert.equal(reply.type === 'refused' && reply.code, 'too-many-clusters');
    bench.clusters = 9_999;
    bench.poll(A);
    bench.clusters = 10_000;
    assert.equal(bench.poll(A).type, 'listed');
    assert.equal(bench.poll(B).type, 'listed');
  });
});
