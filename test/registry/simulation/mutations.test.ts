import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneServer, severalServers } from './actions.js';
import { MUTATIONS } from './mutations.js';
import type { Invariant } from './invariants.js';
import { run, search, tellHistory, type Verdict } from './run.js';

/*
 * The simulation bites: each rule broken on purpose is noticed by the invariants that it was made for. Run by
 * `npm run test:simulation`. MUTATIONS_SHRINK=1 also looks for the shortest history, for the table in README.md.
 */

const RUNS = 4_000;
const SEED = Number(process.env.SIMULATION_SEED ?? 7);
const SHRINKS = process.env.MUTATIONS_SHRINK === '1';

for (const { name, faults, caughtBy, directed, several } of MUTATIONS) {
  test(`noticed: ${name}`, (t) => {
    if (directed) {
      assert.ok(
        directed.every((history) => run(history).violation === undefined),
        'fails unbroken too',
      );
      const at = directed.findIndex((history) => isCaught(run(history, faults), caughtBy));
      assert.ok(at >= 0, `not noticed in ${directed.length} histories made for it`);
      return t.diagnostic(`${caughtBy.join()} after ${at + 1} histories made for it`);
    }
    const histories = several ? severalServers : oneServer;
    const failure = search({
      seed: SEED,
      runs: RUNS,
      histories,
      faults,
      invariants: caughtBy,
      shrinks: SHRINKS,
    });
    assert.ok(failure, `not noticed in ${RUNS} histories of SIMULATION_SEED=${SEED}`);
    t.diagnostic(`${failure.violation.invariant} after ${failure.histories} histories`);
    if (SHRINKS) t.diagnostic(`${failure.violation.message}\n${tellHistory(failure.shortest).join('\n')}`);
  });
}

function isCaught({ violation }: Verdict, by: readonly Invariant[]): boolean {
  return violation !== undefined && by.includes(violation.invariant);
}
