import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { A, B, RuleHarness, C } from './harness.js';

/* A database that was replaced: agents have lists that it does not know. */
describe('a registry that knows less than its nodes', () => {
  const beats = (harness: RuleHarness, has: number, ...addresses: string[]): string[] =>
    addresses.map((address) => {
      const reply = harness.heartbeat(address, { revision: has, expect: 3 });
      return reply.type === 'waiting' ? `${reply.why}: ${reply.reason}` : reply.type;
    });

  it('bootstraps nothing, says so once, and tells those that wait why', () => {
    const harness = new RuleHarness();
    for (let round = 0; round < 5; round++) {
      for (const said of beats(harness, 57, A, B, C)) {
        assert.match(said, /revision 57.*than this database.*0.*replaced.*recover nacos\/serverlist/);
      }
      harness.now += 1_000;
      harness.do({ type: 'tick' });
    }
    assert.deepEqual(harness.list, []);
    const said = harness.events.filter(({ type }) => type === 'set-back');
    assert.equal(said.length, 1);
    assert.match(said[0]?.reason ?? '', /revision 57/);
  });

  it('bootstraps nothing either when one alone says so and others wait', () => {
    const harness = new RuleHarness();
    harness.poll(A, { expect: 2 });
    harness.heartbeat(B, { revision: 3, expect: 2 });
    harness.poll(C, { expect: 2 });
    assert.deepEqual(harness.list, []);
    // It is gone, and so is what it said.
    harness.pass(20_000, [A, C]);
    assert.deepEqual(harness.list, [A, C]);
  });

  it('takes no node of a deleted cluster for a sign of that', () => {
    const harness = new RuleHarness().bootstrap(A, B);
    const { revision } = harness.cluster;
    harness.pass(61_000, [], []);
    assert.equal(harness.do({ type: 'forget' }).type, 'done');
    for (const address of [A, B]) harness.heartbeat(address, { revision: revision, expect: 2 });
    assert.deepEqual(harness.list, [A, B]);
    assert.ok(harness.cluster.revision > revision + 1, `revision ${harness.cluster.revision}`);
  });

  it('bootstraps with those that wait at an operator’s word, and its revisions go on', () => {
    const harness = new RuleHarness();
    beats(harness, 57, A, B, C);
    assert.equal(harness.do({ type: 'recover' }).type, 'done');
    assert.deepEqual(harness.list, [A, B, C]);
    assert.equal(harness.cluster.revision, 58);
    assert.deepEqual(
      [...harness.cluster.members.values()].map(({ joinedRevision, settled }) => [joinedRevision, settled]),
      [
        [58, true],
        [58, true],
        [58, true],
      ],
    );
    assert.equal(harness.cluster.awaitsRepair, false);
  });

  it('goes on from there with static members, too', () => {
    const harness = new RuleHarness();
    beats(harness, 57, A);
    assert.equal(harness.do({ type: 'put', addresses: [A, B] }).type, 'done');
    assert.deepEqual([harness.list, harness.cluster.revision], [[A, B], 58]);
  });

  it('takes a recover without any such word for what it was', () => {
    const harness = new RuleHarness();
    harness.poll(A, { expect: 3 });
    const reply = harness.do({ type: 'recover' });
    assert.equal(reply.type === 'refused' && reply.code, 'quorum-not-lost');
  });

  it('bootstraps as ever with agents that know nothing more', () => {
    const harness = new RuleHarness().bootstrap(A);
    assert.equal(harness.cluster.revision, 1);
    harness.do({ type: 'leave', address: A, wait: 0 });
    assert.equal(harness.cluster.revision, 2);
    harness.now += 60_000;
    assert.equal(harness.heartbeat(B, { revision: 2 }).type, 'listed');
    const fresh = new RuleHarness();
    assert.equal(fresh.heartbeat(B, { revision: 0 }).type, 'listed');
  });
});
