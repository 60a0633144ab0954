import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { ClusterHealth } from '../../src/doctor/health.js';
import type { RepairPlan } from '../../src/doctor/plan.js';
import type { EventView } from '../../src/http/api/schemas.js';
import { runCli } from '../support/cli.js';
import type { ServerProcess } from '../support/process.js';
import { patiently } from './patience.js';

type Scope = Pick<TestContext, 'after'>;
type Url = Pick<ServerProcess, 'url'>;

/**
 * What the command `doctor` finds, with its exit status. It looks once; again while a node does not answer in time, which
 * tells of a slow machine and leaves the rest unknown.
 */
export function examine(
  t: Scope,
  { url }: Url,
  list = 'nacos/serverlist',
): Promise<ClusterHealth & { status: number | string }> {
  return patiently('the doctor can read every node', async () => {
    const ran = await runCli(t, ['doctor', list, '--json', '--wait', '0s', '--server', url]);
    assert.equal(ran.err, '');
    const health = JSON.parse(ran.out) as ClusterHealth;
    return health.findings.every(({ code }) => code !== 'unreadable') && { ...health, status: ran.status };
  });
}

/** What the command `doctor --repair` did. */
export interface Repaired {
  readonly status: number | string;
  readonly plan: RepairPlan;
  readonly events: readonly EventView[];
  /** Absent when nothing was done. */
  readonly health?: ClusterHealth;
}

export async function repair(t: Scope, { url }: Url, ...more: readonly string[]): Promise<Repaired> {
  const ran = await runCli(t, ['doctor', '--repair', '--json', '--server', url, ...more]);
  assert.equal(ran.err, '');
  return { ...(JSON.parse(ran.out) as Omit<Repaired, 'status'>), status: ran.status };
}

/**
 * Waits until no repair has the cluster's lock. The registry's own ends a look after what it did can be seen; whoever is
 * killed before that makes it wait for a sight that does not come, and meanwhile no list is changed.
 */
export async function unlocked({ url }: Url): Promise<void> {
  await patiently('no repair is under way', async () => {
    const response = await fetch(`${url}/api/v1/clusters/nacos/serverlist/health`);
    assert.equal(response.status, 200);
    return ((await response.json()) as ClusterHealth).repair === undefined;
  });
}

/** Findings that lasted for longer than is normal, of all that the server has logged: there must be none without an injury. */
export function alarmsOf({ stdout }: Pick<ServerProcess, 'stdout'>): string[] {
  return stdout()
    .split('\n')
    .filter((line) => line.includes('"finding"') && line.includes('"level":40'));
}
