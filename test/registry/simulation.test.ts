import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneServer, severalServers } from './simulation/actions.js';
import { search, tell } from './simulation/run.js';

/*
 * Random histories against the rules (design.md, "How it is proved", 2). SIMULATION_RUNS sets how many of each kind,
 * SIMULATION_SEED repeats a run; a failure prints its shortest history.
 */

// A fixed seed unless asked otherwise: what a run finds must not depend on the day. `npm run test:simulation` varies it.
const SEED = Number(process.env.SIMULATION_SEED ?? 6);

for (const { kind, histories, runs } of [
  { kind: 'with one server', histories: oneServer, runs: 3_000 },
  { kind: 'with several servers on one database', histories: severalServers, runs: 500 },
]) {
  const RUNS = Number(process.env.SIMULATION_RUNS ?? runs);
  test(`no history ${kind} harms a cluster (${RUNS} histories)`, (t) => {
    t.diagnostic(`SIMULATION_SEED=${SEED}`);
    let majorityLost = 0;
    const started = performance.now();
    const failure = search({
      seed: SEED,
      runs: RUNS,
      histories,
      each: (verdict) => (majorityLost += verdict.majorityLost === undefined ? 0 : 1),
    });
    if (failure) assert.fail(tell(failure));
    const perSecond = (RUNS * 1_000) / (performance.now() - started);
    t.diagnostic(
      `${Math.round(perSecond)} histories a second; ${majorityLost} lost a majority for good and were repaired by an operator`,
    );
  });
}
