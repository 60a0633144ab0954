import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newLease } from '../../src/registry/lease.js';
import { FACT_NAMES } from '../../src/registry/lease-facts.js';
import { factsOf, isDirty } from '../../src/store/stored-leases.js';

test('a lease is written when any of its facts differs from what is stored', () => {
  for (const fact of FACT_NAMES) {
    const lease = newLease(1_000);
    lease.stored = factsOf(lease);
    assert.ok(!isDirty(lease), `nothing differs before ${fact} does`);
    if (fact === 'polls') lease.polls = !lease.polls;
    else lease[fact] += 1;
    assert.ok(isDirty(lease), fact);
  }
});
