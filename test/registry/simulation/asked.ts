import assert from 'node:assert/strict';

/** How many histories a process runs of each kind, from which seed. */
export interface Asked {
  readonly seed: number;
  readonly alone: number;
  readonly several: number;
}

/**
 * What SIMULATION_RUNS, SIMULATION_SEED and SIMULATION_SHARD ask for. `usual` is SIMULATION_RUNS when that is not set; a fixed
 * seed unless asked otherwise, since what a run finds must not depend on the day.
 */
export function askedFor(usual: string): Asked {
  const {
    SIMULATION_RUNS: runs = usual,
    SIMULATION_SEED: seed = '6',
    SIMULATION_SHARD: shard = '1/1',
  } = process.env;
  const [alone, several] = runsOf(runs, shard);
  return { seed: seedOf(seed, shard), alone, several };
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
