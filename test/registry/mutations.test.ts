import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MUTATIONS } from './simulation/mutations.js';
import { search, tellHistory } from './simulation/run.js';

/*
 * The simulation bites: each rule broken on purpose is noticed by the invariants that it was made for.
 * MUTATIONS_SHRINK=1 also looks for the shortest history, for the table in README.md.
 */

const RUNS = 4_000;
const SEED = Number(process.env.SIMULATION_SEED ?? 7);
const SHRINKS = process.env.MUTATIONS_SHRINK === '1';

for (const { name, faults, caughtBy } of MUTATIONS) {
  test(`noticed: ${name}`, (t) => {
    const failure = search({ seed: SEED, runs: RUNS, faults, invariants: caughtBy, shrinks: SHRINKS });
    assert.ok(failure, `not noticed in ${RUNS} histories of SIMULATION_SEED=${SEED}`);
    t.diagnostic(`${failure.violation.invariant} after ${failure.histories} histories`);
    if (SHRINKS) t.diagnostic(`${failure.violation.message}\n${tellHistory(failure.shortest).join('\n')}`);
  });
}
