import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { heldBy } from '../../src/registry/cluster.js';
import { decide } from '../../src/registry/decide.js';
import { needsTick } from '../../src/registry/advance.js';
import { DEFAULT_RULES } from '../../src/registry/rules.js';
import { A, B, RuleHarness, C, D } from './harness.js';

const DAY = 24 * 3_600_000;

function refusedBy(harness: RuleHarness): string {
  const reply = harness.do({ type: 'forget' });
  return reply.type === 'refused' ? reply.reason : reply.type;
}

describe('A cluster is deleted', () => {
  it('when it is empty, with whoever waits', () => {
    const harness = new RuleHarness();
    harness.poll(A, { expect: 3 });
    assert.equal(harness.do({ type: 'forget' }).type, 'done');
    assert.equal(heldBy(harness.cluster), 0);
    assert.equal(harness.do({ type: 'forget' }).type, 'unknown');
  });

  it('when nobody of it was heard for a minute, and not before', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    assert.match(refusedBy(harness), /127\.0\.0\.1:8848 is being heard/);
    harness.pass(59_000, [], []);
    assert.match(refusedBy(harness), /one of its members was heard, or put, 59 s ago\. Try again in 1 s/);
    harness.pass(1_000, [], []);
    const { revision } = harness.cluster;
    assert.equal(refusedBy(harness), 'done');
    assert.deepEqual([harness.list, harness.cluster.epoch], [[], 0]);
    assert.ok(harness.cluster.revision > revision, 'no later list is taken for this one');
    assert.equal(harness.said().at(-1), 'deleted');
  });

  it('not when a member that was silent is heard again', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(70_000, [B], []);
    assert.match(refusedBy(harness), /127\.0\.0\.2:8848 is being heard/);
  });

  it('not while its port answers', () => {
    const harness = new RuleHarness().bootstrap(A);
    harness.pass(60_000, [], []);
    harness.probe(A, 'open');
    assert.match(refusedBy(harness), /was heard, or put, 0 s ago/);
  });

  it('when static members were put by a slip', () => {
    const harness = new RuleHarness();
    harness.do({ type: 'put', addresses: [A, B] });
    assert.match(refusedBy(harness), /heard, or put, 0 s ago/);
    harness.now += 60_000;
    assert.equal(refusedBy(harness), 'done');
  });

  it('not in a grace, nor before every server knows of the silence', () => {
    const harness = new RuleHarness().bootstrap(A);
    harness.pass(60_000, [], []);
    harness.graceUntil = harness.now + 10_000;
    assert.match(refusedBy(harness), /could not hear for a while\. Try again in 10 s/);
    harness.graceUntil = 0;
    const context = { now: harness.now, rules: harness.rules, graceUntil: 0, clusters: 1, othersKnow: false };
    const { reply } = decide(harness.cluster, { type: 'forget' }, context);
    assert.match(reply.type === 'refused' ? reply.reason : '', /not every server knows yet/);
  });
});

describe('A cluster is forgotten', () => {
  it('a day after its last member left', () => {
    const harness = new RuleHarness().bootstrap(A);
    harness.do({ type: 'leave', address: A });
    harness.pass(200_000);
    assert.equal(harness.cluster.epoch, 1);
    assert.equal(needsTick(harness.cluster, { now: harness.now, rules: harness.rules }), false);
    harness.now += DAY;
    assert.equal(needsTick(harness.cluster, { now: harness.now, rules: harness.rules }), true);
    harness.do({ type: 'tick' });
    assert.deepEqual([harness.cluster.epoch, harness.said().at(-1)], [0, 'deleted']);
  });

  it('a week after its only member died, and not a moment before', () => {
    const harness = new RuleHarness().bootstrap(A);
    harness.now += 7 * DAY - 1;
    harness.probe(A, 'unreachable');
    harness.do({ type: 'tick' });
    assert.deepEqual(harness.list, [A]);
    harness.now += 1;
    harness.do({ type: 'tick' });
    assert.deepEqual(harness.list, []);
  });

  it('not after a week when there were several, nor ever while a port answers or it was put', () => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.now += 8 * DAY;
    for (const address of [A, B, C]) harness.probe(address, 'unreachable');
    harness.do({ type: 'tick' });
    assert.deepEqual(harness.list, [A, B, C]);
    const put = new RuleHarness();
    put.do({ type: 'put', addresses: [D] });
    put.now += 365 * DAY;
    put.do({ type: 'tick' });
    assert.deepEqual(put.list, [D]);
  });
});

describe('There is room for so many addresses', () => {
  const rules = { ...DEFAULT_RULES, maxAddresses: 10 };

  it('of all clusters together, and for no more', () => {
    const harness = new RuleHarness(rules);
    const context = { now: harness.now, rules, graceUntil: 0, clusters: 3, addresses: 8 };
    const put = (addresses: string[]) => decide(harness.cluster, { type: 'put', addresses }, context).reply;
    const refused = put([A, B, C]);
    assert.equal(refused.type === 'refused' && refused.code, 'too-many-addresses');
    assert.match(refused.type === 'refused' ? refused.reason : '', /more than 10 addresses.*MAX_ADDRESSES/);
    assert.equal(put([A, B]).type, 'done');
    const poll = { type: 'poll', address: A, source: 'poll', connectedAt: 0 } as const;
    assert.equal(decide(harness.cluster, poll, { ...context, addresses: 10 }).reply.type, 'refused');
  });

  it('who left lately counts: to put and delete again and again makes no more of them', () => {
    const harness = new RuleHarness();
    const some = (from: number) =>
      Array.from({ length: 500 }, (_, i) => `127.${from}.${i >> 8}.${i & 255}:1`);
    let taken = 0;
    for (let i = 0; i < 20; i++) {
      if (harness.do({ type: 'put', addresses: some(i) }).type === 'done') taken++;
      harness.do({ type: 'delete', addresses: some(i) });
    }
    assert.equal(taken, 4);
    assert.equal(heldBy(harness.cluster), 2_000);
  });

  it('nothing becomes of a cluster that is stored and not served, but that it is deleted', () => {
    const harness = new RuleHarness().bootstrap(A);
    harness.pass(60_000, [], []);
    const context = { now: harness.now, rules, graceUntil: 0, clusters: 1, isLeft: true };
    const { reply, cluster } = decide(harness.cluster, { type: 'put', addresses: [B] }, context);
    assert.match(reply.type === 'refused' ? reply.reason : '', /is stored and not served.*MAX_ADDRESSES/);
    assert.equal(cluster, harness.cluster);
    assert.equal(decide(harness.cluster, { type: 'forget' }, context).reply.type, 'done');
  });
});
