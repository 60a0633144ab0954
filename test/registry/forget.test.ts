import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { heldBy } from '../../src/registry/cluster.js';
import { decide } from '../../src/registry/decide.js';
import { needsTick } from '../../src/registry/advance.js';
import { DEFAULT_RULES } from '../../src/registry/rules.js';
import { A, B, Bench, C, D } from './rules.js';

const DAY = 24 * 3_600_000;

function refusedBy(bench: Bench): string {
  const reply = bench.do({ type: 'forget' });
  return reply.type === 'refused' ? reply.reason : reply.type;
}

describe('A cluster is deleted', () => {
  it('when it is empty, with whoever waits', () => {
    const bench = new Bench();
    bench.poll(A, { expect: 3 });
    assert.equal(bench.do({ type: 'forget' }).type, 'done');
    assert.equal(heldBy(bench.cluster), 0);
    assert.equal(bench.do({ type: 'forget' }).type, 'unknown');
  });

  it('when nobody of it was heard for a minute, and not before', () => {
    const bench = new Bench().bootstrap(A, B, C);
    assert.match(refusedBy(bench), /127\.0\.0\.1:8848 is being heard/);
    bench.pass(59_000, [], []);
    assert.match(refusedBy(bench), /one of its members was heard, or put, 59 s ago\. Try again in 1 s/);
    bench.pass(1_000, [], []);
    const { revision } = bench.cluster;
    assert.equal(refusedBy(bench), 'done');
    assert.deepEqual([bench.list, bench.cluster.epoch], [[], 0]);
    assert.ok(bench.cluster.revision > revision, 'no later list is taken for this one');
    assert.equal(bench.said().at(-1), 'deleted');
  });

  it('not when a member that was silent is heard again', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.pass(70_000, [B], []);
    assert.match(refusedBy(bench), /127\.0\.0\.2:8848 is being heard/);
  });

  it('not while its port answers', () => {
    const bench = new Bench().bootstrap(A);
    bench.pass(60_000, [], []);
    bench.probe(A, 'open');
    assert.match(refusedBy(bench), /was heard, or put, 0 s ago/);
  });

  it('when static members were put by a slip', () => {
    const bench = new Bench();
    bench.do({ type: 'put', addresses: [A, B] });
    assert.match(refusedBy(bench), /heard, or put, 0 s ago/);
    bench.now += 60_000;
    assert.equal(refusedBy(bench), 'done');
  });

  it('not in a grace, nor before every server knows of the silence', () => {
    const bench = new Bench().bootstrap(A);
    bench.pass(60_000, [], []);
    bench.graceUntil = bench.now + 10_000;
    assert.match(refusedBy(bench), /could not hear for a while\. Try again in 10 s/);
    bench.graceUntil = 0;
    const context = { now: bench.now, rules: bench.rules, graceUntil: 0, clusters: 1, othersKnow: false };
    const { reply } = decide(bench.cluster, { type: 'forget' }, context);
    assert.match(reply.type === 'refused' ? reply.reason : '', /not every server knows yet/);
  });
});

describe('A cluster is forgotten', () => {
  it('a day after its last member left', () => {
    const bench = new Bench().bootstrap(A);
    bench.do({ type: 'leave', address: A });
    bench.pass(200_000);
    assert.equal(bench.cluster.epoch, 1);
    assert.equal(needsTick(bench.cluster, { now: bench.now, rules: bench.rules }), false);
    bench.now += DAY;
    assert.equal(needsTick(bench.cluster, { now: bench.now, rules: bench.rules }), true);
    bench.do({ type: 'tick' });
    assert.deepEqual([bench.cluster.epoch, bench.said().at(-1)], [0, 'deleted']);
  });

  it('a week after its only member died, and not a moment before', () => {
    const bench = new Bench().bootstrap(A);
    bench.now += 7 * DAY - 1;
    bench.probe(A, 'unreachable');
    bench.do({ type: 'tick' });
    assert.deepEqual(bench.list, [A]);
    bench.now += 1;
    bench.do({ type: 'tick' });
    assert.deepEqual(bench.list, []);
  });

  it('not after a week when there were several, nor ever while a port answers or it was put', () => {
    const bench = new Bench().bootstrap(A, B, C);
    bench.now += 8 * DAY;
    for (const address of [A, B, C]) bench.probe(address, 'unreachable');
    bench.do({ type: 'tick' });
    assert.deepEqual(bench.list, [A, B, C]);
    const put = new Bench();
    put.do({ type: 'put', addresses: [D] });
    put.now += 365 * DAY;
    put.do({ type: 'tick' });
    assert.deepEqual(put.list, [D]);
  });
});

describe('There is room for so many addresses', () => {
  const rules = { ...DEFAULT_RULES, maxAddresses: 10 };

  it('of all clusters together, and for no more', () => {
    const bench = new Bench(rules);
    const context = { now: bench.now, rules, graceUntil: 0, clusters: 3, addresses: 8 };
    const put = (addresses: string[]) => decide(bench.cluster, { type: 'put', addresses }, context).reply;
    const refused = put([A, B, C]);
    assert.equal(refused.type === 'refused' && refused.code, 'too-many-addresses');
    assert.match(refused.type === 'refused' ? refused.reason : '', /more than 10 addresses.*MAX_ADDRESSES/);
    assert.equal(put([A, B]).type, 'done');
    const poll = { type: 'poll', address: A, source: 'poll', connectedAt: 0 } as const;
    assert.equal(decide(bench.cluster, poll, { ...context, addresses: 10 }).reply.type, 'refused');
  });

  it('who left lately counts: to put and delete again and again makes no more of them', () => {
    const bench = new Bench();
    const some = (from: number) =>
      Array.from({ length: 500 }, (_, i) => `127.${from}.${i >> 8}.${i & 255}:1`);
    let taken = 0;
    for (let i = 0; i < 20; i++) {
      if (bench.do({ type: 'put', addresses: some(i) }).type === 'done') taken++;
      bench.do({ type: 'delete', addresses: some(i) });
    }
    assert.equal(taken, 4);
    assert.equal(heldBy(bench.cluster), 2_000);
  });

  it('nothing becomes of a cluster that is stored and not served, but that it is deleted', () => {
    const bench = new Bench().bootstrap(A);
    bench.pass(60_000, [], []);
    const context = { now: bench.now, rules, graceUntil: 0, clusters: 1, isLeft: true };
    const { reply, cluster } = decide(bench.cluster, { type: 'put', addresses: [B] }, context);
    assert.match(reply.type === 'refused' ? reply.reason : '', /is stored and not served.*MAX_ADDRESSES/);
    assert.equal(cluster, bench.cluster);
    assert.equal(decide(bench.cluster, { type: 'forget' }, context).reply.type, 'done');
  });
});
