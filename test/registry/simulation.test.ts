import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneServer, severalServers } from './simulation/actions.js';
import { search, tell } from './simulation/run.js';

/*
 * Random histories against the rules (design.md, "How it is proved", 2). SIMULATION_RUNS sets how many: `3000:500` with one
 * server and with several, `20000` of each kind. SIMULATION_SEED repeats a run, and SIMULATION_SHARD=2/8 runs the second
 * eighth of one, which a process can do for itself. A failure prints its shortest history.
 */

// A fixed seed unless asked otherwise: what a run finds must not depend on the day.
const SEED = seedOf(process.env.SIMULATION_SEED ?? '6', process.env.SIMULATION_SHARD ?? '1/1');
const [ALONE, SEVERAL] = runsOf(
  process.env.SIMULATION_RUNS ?? '200:40',
  process.env.SIMULATION_SHARD ?? '1/1',
);

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

/** Each shard has a seed of its own; the first has the run's. */
function seedOf(seed: string, shard: string): number {
  return whole(seed, 'SIMULATION_SEED') + (partOf(shard)[0] - 1) * 1_000_003;
}

/** How many histories of each kind this process runs. */
function runsOf(runs: string, shard: string): [number, number] {
  const [alone = '', several = alone, ...more] = runs.split(':');
  assert.equal(more.length, 0, `SIMULATION_RUNS=${runs} is not like 20000 or 3000:500`);
  const [, parts] = partOf(shard);
  const share = (of: string): number => Math.ceil(whole(of, 'SIMULATION_RUNS') / parts);
  return [share(alone), share(several)];
}

function partOf(shard: string): [number, number] {
  const [part = '', parts = '', ...more] = shard.split('/');
  const [i, n] = [whole(part, 'SIMULATION_SHARD'), whole(parts, 'SIMULATION_SHARD')];
  assert.ok(more.length === 0 && i >= 1 && i <= n, `SIMULATION_SHARD=${shard} is not like 2/8`);
  return [i, n];
}

function whole(text: string, name: string): number {
  assert.match(text, /^\d{1,9}$/, `${name}: ${text} is no whole number`);
  return Number(text);
}
