import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { StoredLease } from '../../src/registry/cluster.js';
import { hear, merge, storedLease } from '../../src/registry/lease.js';

const time = fc.integer({ min: -1, max: 50 });
const facts: fc.Arbitrary<StoredLease> = fc.record({
  heardAt: time,
  openAt: time,
  endedAt: time,
  refusedAt: time,
  delivered: fc.integer({ min: 0, max: 5 }),
  deliveredAt: time,
  polls: fc.boolean(),
});

const merged = (...all: StoredLease[]): StoredLease => {
  const [first, ...rest] = all;
  const lease = storedLease(first!);
  for (const other of rest) merge(lease, other);
  return lease;
};

it('what several servers observed comes together in any order, and however often', () => {
  fc.assert(
    fc.property(facts, facts, facts, (a, b, c) => {
      assert.deepEqual(merged(a, b, c), merged(c, a, b));
      assert.deepEqual(merged(a, merged(b, c)), merged(merged(a, b), c));
      assert.deepEqual(merged(a, b, b, a), merged(a, b));
    }),
  );
});

it('a list counts as delivered from the first time that any server sent it', () => {
  const base = { heardAt: 0, openAt: -1, endedAt: -1, refusedAt: -1, polls: true };
  const lease = merged(
    { ...base, delivered: 2, deliveredAt: 30 },
    { ...base, delivered: 3, deliveredAt: 25 },
    { ...base, delivered: 3, deliveredAt: 20 },
    { ...base, delivered: 1, deliveredAt: 5 },
  );
  assert.deepEqual([lease.delivered, lease.deliveredAt], [3, 20]);
});

it('what was said before a probe takes nothing back of its answer', () => {
  const nothing = { openAt: -1, endedAt: -1, delivered: 0, deliveredAt: 0, polls: true };
  const lease = storedLease({ ...nothing, heardAt: 10, refusedAt: 30 });
  lease.failedAt = lease.probedAt = 30;
  hear(lease, 20, true);
  assert.deepEqual([lease.heardAt, lease.refusedAt, lease.failedAt, lease.probedAt], [20, 30, 30, 30]);
  hear(lease, 30, true);
  assert.deepEqual([lease.heardAt, lease.refusedAt, lease.failedAt, lease.probedAt], [30, -1, -1, -1]);
});
