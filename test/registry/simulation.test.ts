import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneServer, severalServers } from './simulation/actions.js';
import { askedFor } from './simulation/asked.js';
import { search, tell } from './simulation/run.js';

/*
 * Random histories against the rules (docs/internals/architecture.md, "How it is proved"). SIMULATION_RUNS sets how many: `3000:500` with one
 * server and with several, `20000` of each kind. SIMULATION_SEED repeats a run, and SIMULATION_SHARD=2/8 runs the second
 * eighth of one, which a process can do for itself. A failure prints its shortest history.
 */

const { seed: SEED, alone: ALONE, several: SEVERAL } = askedFor('200:40');

for (const { kind, histories, runs } of [
  { kind: 'with one server', histories: oneServer, runs: ALONE },
  { kind: 'with several servers on one database', histories: severalServers, runs: SEVERAL },
]) {
  if (runs === 0) continue;
  test(`no history ${kind} harms a cluster (${runs} histories)`, (t) => {
    t.diagnostic(`SIMULATION_SEED=${SEED}`);
    let majorityLost = 0;
    const started = process.cpuUsage();
    const failure = search({
      seed: SEED,
      runs,
      histories,
      each: (verdict) => (majorityLost += verdict.majorityLost === undefined ? 0 : 1),
    });
    if (failure) assert.fail(tell(failure));
    const { user, system } = process.cpuUsage(started);
    const perSecond = (runs * 1_000_000) / (user + system);
    t.diagnostic(
      `${Math.round(perSecond)} histories for a second of CPU; ${majorityLost} lost a majority for good and were repaired by an operator`,
    );
  });
}
