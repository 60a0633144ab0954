import type { RepairPlan } from '../../doctor/plan.js';
import { EXIT } from '../../exit-status.js';
import type { EventPage, EventView, RepairBegun } from '../../http/api/schemas.js';
import { pause } from '../../util/pause.js';
import { ClientError } from '../client-error.js';
import type { Client } from '../client.js';
import { clusterPath } from '../cluster-name.js';
import { canAsk, confirm } from '../confirm.js';
import { lineWidth, print } from '../output.js';
import { toPrintable } from '../plain.js';
import { wrap } from '../table.js';
import { freshHealth, READING_LIMIT_MS } from './reading.js';
import { describeHealth, describePlan } from './report.js';

/** Between two checks of a repair's progress. */
const POLL_INTERVAL_MS = 500;

/**
 * How long to wait for a plan while an obstacle may clear by itself, such as an election: more than twice
 * what that takes (doctor/findings.ts). Also the pause between two tries.
 */
const PLAN_LIMIT_MS = 75_000;
const LOOK_AGAIN = 1_000;

/** Longer than a repair's lock lasts: a repair that died has its event by then. */
const SILENCE = 120_000;

export interface RepairOptions {
  readonly json?: true;
  readonly yes?: true;
  readonly dryRun?: true;
  readonly survivor?: string;
}

/**
 * Plans a repair, asks, has the server carry it out, and reports each step. Rejects with {@link ClientError}.
 */
export async function repairCluster(client: Client, cluster: string, options: RepairOptions): Promise<void> {
  const path = clusterPath(cluster);
  const survivor = options.survivor === undefined ? {} : { survivor: options.survivor };
  const asked = new URLSearchParams(survivor).toString();
  const isDry = options.dryRun === true || (!options.yes && !canAsk());
  const width = lineWidth();
  const tell = (...lines: readonly string[]): Promise<void> =>
    // With JSON, only the outcome is printed.
    options.json ? Promise.resolve() : print(...lines);
  const ask = (): Promise<RepairPlan> => client.getJson(`${path}/repair?${asked}`, READING_LIMIT_MS);
  const plan = await settledPlan(ask, (why) => tell(...wrap(toPrintable(`Waiting: ${why}.`), width), ''));
  await tell(...describePlan(plan, cluster, width));
  if (plan.steps.length === 0 || plan.refused !== undefined || isDry) {
    if (plan.steps.length > 0 && plan.refused === undefined) {
      await tell(
        '',
        'Nothing was done: this is only the plan. Carry it out with --yes, or from a terminal, where it asks.',
      );
    }
    if (options.json) await print(JSON.stringify({ plan, events: [] }, undefined, 2));
    if (plan.steps.length + plan.manualSteps.length > 0 || plan.refused !== undefined)
      process.exitCode = EXIT.found;
    return;
  }
  if (!options.yes && !(await confirm(`Repair ${cluster}?`))) {
    throw new ClientError('not confirmed; nothing was done');
  }
  const query = new URLSearchParams({ plan: plan.id, ...survivor }).toString();
  const { body: begun } = await client.ask<RepairBegun>('POST', `${path}/repair?${query}`, READING_LIMIT_MS);
  await tell('');
  const events = await followRepair(client, path, begun, ({ type, reason }) =>
    tell(toPrintable(`${type}: ${reason}`)),
  );
  const health = await freshHealth(client, path);
  if (options.json) await print(JSON.stringify({ plan, events, health }, undefined, 2));
  else await print('', ...describeHealth(health, width));
  if (events.at(-1)?.type !== 'repaired') process.exitCode = EXIT.stopped;
  else if (plan.manualSteps.length > 0) process.exitCode = EXIT.found;
}

/**
 * Asks for a plan until there is one or the obstacle does not clear by itself, within {@link PLAN_LIMIT_MS}.
 */
export async function settledPlan(
  ask: () => Promise<RepairPlan>,
  tell: (why: string) => Promise<void>,
): Promise<RepairPlan> {
  const until = performance.now() + PLAN_LIMIT_MS;
  let told: string | undefined;
  for (;;) {
    const plan = await ask();
    if (plan.refused === undefined || !plan.isPassing || performance.now() > until) return plan;
    if (plan.refused !== told) await tell((told = plan.refused));
    await pause(LOOK_AGAIN);
  }
}

/**
 * Reports a repair's steps until it is over. The steps are events, so any server of the database has them.
 */
async function followRepair(
  client: Client,
  path: string,
  { holder: by, eventsAfter: after }: RepairBegun,
  tell: (event: EventView) => Promise<void>,
): Promise<readonly EventView[]> {
  const all: EventView[] = [];
  let last = after;
  let heardAt = performance.now();
  for (;;) {
    const { events } = await client
      .getJson<EventPage>(`${path}/events?after=${last}`)
      .catch((error: unknown) => {
        if (!(error instanceof ClientError) || error.status !== undefined) throw error;
        // The server may be restarting; another one may continue, and completed steps are kept.
        return { events: [] };
      });
    for (const event of events) {
      last = event.seq;
      const isOurs = all.length > 0 || (event.type === 'repairing' && event.reason.startsWith(by));
      if (!isOurs) continue;
      all.push(event);
      heardAt = performance.now();
      await tell(event);
      if (event.type === 'repaired' || event.type === 'repair-stopped') return all;
    }
    if (performance.now() - heardAt > SILENCE) {
      throw new ClientError(
        `the repair has made no event for ${SILENCE / 1_000} s; look at the events, and run doctor again`,
      );
    }
    await pause(POLL_INTERVAL_MS);
  }
}
