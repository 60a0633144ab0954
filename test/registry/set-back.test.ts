import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { A, B, Bench, C } from './rules.js';

/* A database that was replaced: agents have lists that it does not know. */
describe('a registry that knows less than its nodes', () => {
  const beats = (bench: Bench, has: number, ...addresses: string[]): string[] =>
    addresses.map((address) => {
      const reply = bench.heartbeat(address, { revision: has, expect: 3 });
      return reply.type === 'waiting' ? `${reply.why}: ${reply.reason}` : reply.type;
    });

  it('bootstraps nothing, says so once, and tells those that wait why', () => {
    const bench = new Bench();
    for (let round = 0; round < 5; round++) {
      for (const said of beats(bench, 57, A, B, C)) {
        assert.match(said, /revision 57.*than this database.*0.*replaced.*recover nacos\/serverlist/);
      }
      bench.now += 1_000;
      bench.do({ type: 'tick' });
    }
    assert.deepEqual(bench.list, []);
    const said = bench.events.filter(({ type }) => type === 'set-back');
    assert.equal(said.length, 1);
    assert.match(said[0]?.reason ?? '', /revision 57/);
  });

  it('bootstraps nothing either when one alone says so and others wait', () => {
    const bench = new Bench();
    bench.poll(A, { expect: 2 });
    bench.heartbeat(B, { revision: 3, expect: 2 });
    bench.poll(C, { expect: 2 });
    assert.deepEqual(bench.list, []);
    // It is gone, and so is what it said.
    bench.pass(20_000, [A, C]);
    assert.deepEqual(bench.list, [A, C]);
  });

  it('takes no node of a deleted cluster for a sign of that', () => {
    const bench = new Bench().bootstrap(A, B);
    const { revision } = bench.cluster;
    bench.pass(61_000, [], []);
    assert.equal(bench.do({ type: 'forget' }).type, 'done');
    for (const address of [A, B]) bench.heartbeat(address, { revision: revision, expect: 2 });
    assert.deepEqual(bench.list, [A, B]);
    assert.ok(bench.cluster.revision > revision + 1, `revision ${bench.cluster.revision}`);
  });

  it('bootstraps with those that wait at an operator’s word, and its revisions go on', () => {
    const bench = new Bench();
    beats(bench, 57, A, B, C);
    assert.equal(bench.do({ type: 'recover' }).type, 'done');
    assert.deepEqual(bench.list, [A, B, C]);
    assert.equal(bench.cluster.revision, 58);
    assert.deepEqual(
      [...bench.cluster.members.values()].map(({ joinedRevision, settled }) => [joinedRevision, settled]),
      [
        [58, true],
        [58, true],
        [58, true],
      ],
    );
    assert.equal(bench.cluster.awaitsRepair, false);
  });

  it('goes on from there with static members, too', () => {
    const bench = new Bench();
    beats(bench, 57, A);
    assert.equal(bench.do({ type: 'put', addresses: [A, B] }).type, 'done');
    assert.deepEqual([bench.list, bench.cluster.revision], [[A, B], 58]);
  });

  it('takes a recover without any such word for what it was', () => {
    const bench = new Bench();
    bench.poll(A, { expect: 3 });
    const reply = bench.do({ type: 'recover' });
    assert.equal(reply.type === 'refused' && reply.code, 'quorum-not-lost');
  });

  it('bootstraps as ever with agents that know nothing more', () => {
    const bench = new Bench().bootstrap(A);
    assert.equal(bench.cluster.revision, 1);
    bench.do({ type: 'leave', address: A, wait: 0 });
    assert.equal(bench.cluster.revision, 2);
    bench.now += 60_000;
    assert.equal(bench.heartbeat(B, { revision: 2 }).type, 'listed');
    const fresh = new Bench();
    assert.equal(fresh.heartbeat(B, { revision: 0 }).type, 'listed');
  });
});
