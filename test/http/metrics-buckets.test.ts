import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';
import { Histogram, Registry } from 'prom-client';
import { LoopClock } from '../../src/http/transport/loop-clock.js';
import { Buckets, registerBuckets } from '../../src/metrics/buckets.js';

test('hand-kept buckets are exposed exactly as prom-client exposes its own', async () => {
  const name = 'took_seconds';
  const help = 'How long it took.';
  const bounds = [1, 5, 250];
  const [a, b, c] = [new Buckets(bounds), new Buckets(bounds), new Buckets(bounds)];
  const ours = new Registry();
  registerBuckets(ours, { name, help, bounds }, () => [
    { labels: { outcome: 'list' }, of: [a, b] },
    { labels: { outcome: 'waiting' }, of: [c] },
  ]);
  const theirs = new Registry();
  const histogram = new Histogram({
    name,
    help,
    labelNames: ['outcome'],
    buckets: bounds.map((ms) => ms / 1_000),
    registers: [theirs],
  });
  histogram.zero({ outcome: 'list' });
  histogram.zero({ outcome: 'waiting' });
  // Their sums are added up in another unit and order, and need not be the same to the last digit.
  for (const ms of [0, 0.5, 1, 1.5, 5, 250, 250.25, 1_000_000]) {
    (ms < 5 ? a : b).record(ms);
    histogram.observe({ outcome: 'list' }, ms / 1_000);
    assert.equal((await ours.metrics()).includes('NaN'), false);
  }
  const sumless = (text: string): string => text.replace(/_sum(\S+) \S+/g, '_sum$1');
  assert.equal(sumless(await ours.metrics()), sumless(await theirs.metrics()));
  assert.match(await ours.metrics(), /took_seconds_sum\{outcome="list"\} 1000\.50825\n/);
});

test('all that is read in one turn of the event loop has waited since its start', async () => {
  const clock = new LoopClock();
  const before = performance.now();
  const first = clock.start();
  assert.ok(first >= before && first <= performance.now());
  while (performance.now() < first + 2);
  assert.equal(clock.start(), first);
  await setImmediate();
  assert.ok(clock.start() >= first + 2);
});
