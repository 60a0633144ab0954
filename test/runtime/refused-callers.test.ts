import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ServedCluster } from '../../src/runtime/served-cluster.js';
import {
  MOST_ELSEWHERE,
  MOST_OF_ALL,
  MOST_OF_CLUSTER,
  MOST_OF_SOURCE,
  RefusedCallers,
  type RefusedRequest,
} from '../../src/runtime/refused-callers.js';

const HOUR = 3_600_000;

function refusal(more: Partial<RefusedRequest> = {}): RefusedRequest {
  const from = more.from ?? '10.0.0.5';
  return { from, source: from, self: 'x', path: '/nacos/serverlist', code: 'self', reason: 'bad', ...more };
}

const entryOf = (name: string): ServedCluster => new ServedCluster({ product: 'nacos', name });

function harness() {
  let now = 0;
  const callers = new RefusedCallers(() => now);
  return { callers, pass: (ms: number) => (now += ms) };
}

describe('refused callers', () => {
  it('counts who comes again, and forgets who has not for a day', () => {
    const { callers, pass } = harness();
    callers.note(refusal(), undefined);
    pass(5_000);
    callers.note(refusal({ reason: 'worse' }), undefined);
    pass(1_000);
    const [one, ...more] = callers.elsewhere();
    assert.deepEqual(
      [one?.times, one?.sinceMs, one?.lastMs, one?.reason, more.length],
      [2, 6_000, 1_000, 'worse', 0],
    );
    pass(24 * HOUR);
    assert.deepEqual(callers.elsewhere(), []);
    callers.note(refusal(), undefined);
    assert.equal(callers.elsewhere()[0]?.times, 1, 'it is another one then');
  });

  it('takes that one comes too often for no other reason', () => {
    const { callers } = harness();
    callers.note(refusal({ code: 'token', reason: 'no token' }), undefined);
    callers.note(refusal({ code: 'rate', reason: 'too often' }), undefined);
    callers.note(refusal({ code: 'rate', self: 'y' }), undefined);
    assert.deepEqual(
      callers.elsewhere().map(({ code, reason, times }) => [code, reason, times]),
      [
        ['rate', 'bad', 1],
        ['token', 'no token', 2],
      ],
    );
  });

  it('keeps so many of a source, of a cluster, and of all', () => {
    const { callers } = harness();
    for (let i = 0; i < 1_000; i++) callers.note(refusal({ self: `of-one-${i}` }), 'nacos/one');
    const one = callers.ofCluster(entryOf('one'), 'nacos/one');
    assert.deepEqual([one.length, one.at(0)?.self], [MOST_OF_SOURCE, 'of-one-999']);
    for (let i = 0; i < 1_000; i++) callers.note(refusal({ from: `10.0.1.${i}` }), 'nacos/one');
    assert.equal(callers.ofCluster(entryOf('one'), 'nacos/one').length, MOST_OF_CLUSTER);
    for (let i = 0; i < 1_000; i++) callers.note(refusal({ from: `10.0.1.${i}` }), undefined);
    assert.equal(callers.elsewhere().length, MOST_ELSEWHERE);
    for (let i = 0; i < 2 * MOST_OF_ALL; i++) {
      callers.note(refusal({ from: `10.0.1.${i}` }), `nacos/${i % 500}`);
    }
    assert.equal(callers.size, MOST_OF_ALL + MOST_ELSEWHERE);
    callers.note(refusal({ self: 'last' }), 'nacos/last');
    assert.equal(callers.ofCluster(entryOf('last'), 'nacos/last').length, 1, 'the last one is there');
    assert.equal(callers.size, MOST_OF_ALL + MOST_ELSEWHERE);
  });

  it('does not displace who comes again by those who come once', () => {
    const { callers } = harness();
    for (let i = 0; i < 2; i++) callers.note(refusal({ self: 'slip' }), 'nacos/one');
    for (let i = 0; i < 1_000; i++) callers.note(refusal({ from: `10.0.1.${i}` }), 'nacos/one');
    assert.ok(callers.ofCluster(entryOf('one'), 'nacos/one').some(({ self }) => self === 'slip'));
  });
});
