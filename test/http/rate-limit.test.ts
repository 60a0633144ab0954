import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RateLimit, rateKey } from '../../src/http/access/rate-limit.js';

/** A limit on a clock that stands until the test moves it. */
function limit(options: { burst: number; perSecond: number; keys?: number }) {
  let at = 1_000;
  return { limit: new RateLimit({ ...options, now: () => at }), pass: (ms: number) => void (at += ms) };
}

test('a burst is taken at once, and then one token each time one has come back', () => {
  const { limit: rate, pass } = limit({ burst: 3, perSecond: 2 });
  assert.deepEqual([rate.take('a'), rate.take('a'), rate.take('a'), rate.take('a')], [0, 0, 0, 500]);
  pass(499);
  assert.equal(rate.take('a'), 1, 'what was refused took nothing');
  pass(1);
  assert.deepEqual([rate.take('a'), rate.take('a')], [0, 500]);
});

test('a bucket holds no more than its burst, however long it rests', () => {
  const { limit: rate, pass } = limit({ burst: 2, perSecond: 1 });
  rate.take('a');
  pass(3_600_000);
  assert.deepEqual([rate.take('a'), rate.take('a'), rate.take('a')], [0, 0, 1_000]);
});

test('one key’s bucket is not another’s', () => {
  const { limit: rate } = limit({ burst: 1, perSecond: 1 });
  assert.deepEqual([rate.take('a'), rate.take('b'), rate.take('a'), rate.take('b')], [0, 0, 1_000, 1_000]);
});

test('asking how long to wait takes nothing', () => {
  const { limit: rate } = limit({ burst: 1, perSecond: 1 });
  assert.deepEqual([rate.wait('a'), rate.wait('a'), rate.take('a'), rate.wait('a')], [0, 0, 0, 1_000]);
  assert.equal(rate.size, 1);
});

test('at the bound the oldest full bucket is forgotten first', () => {
  const { limit: rate, pass } = limit({ burst: 2, perSecond: 1, keys: 3 });
  for (const key of ['a', 'b', 'c']) rate.take(key);
  pass(1_000);
  rate.take('b');
  // a and c are full, a longer.
  for (const key of ['d', 'e']) assert.equal(rate.take(key), 0);
  assert.equal(rate.size, 3);
  assert.deepEqual([rate.take('b'), rate.take('b')], [0, 1_000], 'b was in use, and is known still');
});

test('when no bucket is full all newcomers share one, and those known keep theirs', () => {
  const { limit: rate, pass } = limit({ burst: 2, perSecond: 1, keys: 3 });
  for (const key of ['a', 'b', 'c']) rate.take(key);
  assert.deepEqual([rate.take('d'), rate.take('e'), rate.take('f'), rate.wait('g')], [0, 0, 1_000, 1_000]);
  assert.equal(rate.take('a'), 0);
  assert.equal(rate.size, 3);
  pass(2_000);
  assert.deepEqual([rate.take('f'), rate.take('f'), rate.take('f')], [0, 0, 1_000], 'f has its own now');
});

test('a key that uses itself up does not keep its bucket from being forgotten once it is full', () => {
  const { limit: rate, pass } = limit({ burst: 3, perSecond: 1, keys: 2 });
  for (let i = 0; i < 3; i++) rate.take('greedy');
  rate.take('modest');
  pass(1_000);
  // The oldest is not full yet; the one after it is.
  assert.deepEqual([rate.take('new'), rate.size, rate.take('greedy'), rate.take('greedy')], [0, 2, 0, 1_000]);
});

test('over any time no key gets more than its burst and what came back (generated)', () => {
  const step = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd', 'e'), after: fc.nat(2_000) });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 200 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 10 }),
      (steps, burst, perSecond) => {
        const { limit: rate, pass } = limit({ burst, perSecond, keys: 3 });
        const taken = new Map<string, number[]>();
        let at = 0;
        for (const { key, after } of steps) {
          pass(after);
          at += after;
          const wait = rate.take(key);
          assert.ok(Number.isInteger(wait) && wait >= 0);
          if (wait === 0) taken.set(key, [...(taken.get(key) ?? []), at]);
        }
        assert.ok(rate.size <= 3);
        for (const times of taken.values()) {
          for (const [i, from] of times.entries()) {
            for (const [j, to] of times.entries()) {
              if (j < i) continue;
              // The shared bucket and a key's own may each give a burst.
              const most = 2 * (burst + ((to - from) / 1_000) * perSecond) + 1e-6;
              assert.ok(j - i + 1 <= most, `${j - i + 1} taken between ${from} and ${to}`);
            }
          }
        }
      },
    ),
    { seed: 5, numRuns: 300 },
  );
});

test('however many keys come, no more are kept, and each step is as quick as the first', () => {
  const { limit: rate, pass } = limit({ burst: 5, perSecond: 1 });
  for (let i = 0; i < 200_000; i++) {
    rate.take(`key ${i}`);
    pass(0.5);
  }
  assert.equal(rate.size, 10_000);
});

test('keys are IPv4 addresses, in either notation, and the /64 of IPv6 addresses', () => {
  for (const [address, key] of [
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['::FFFF:10.0.0.1', '10.0.0.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8::1:2:3:4:5', '2001:db8:0:1::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['1::', '1:0:0:0::/64'],
    ['1:2:3:4:5:6:7::', '1:2:3:4::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['1:2:3:4:5:6:192.0.2.1', '1:2:3:4::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['', ''],
    ['nonsense', 'nonsense'],
  ] as const) {
    assert.equal(rateKey(address), key, address);
  }
  assert.equal(rateKey('2001:db8::1'), rateKey('2001:db8:0:0:ffff::2'));
  assert.notEqual(rateKey('2001:db8::1'), rateKey('2001:db8:0:1::1'));
});
