import { Option, type Command } from 'commander';
import type { ClusterHealth } from '../doctor/health.js';
import { parseDuration } from '../config/duration.js';
import { EXIT } from '../exit-status.js';
import { pause } from '../util/pause.js';
import { ClientError } from './client-error.js';
import type { Client } from './client.js';
import { clusterPath } from './cluster-name.js';
import { clientCommand, clientOf, run } from './command.js';
import { freshHealth } from './doctor/reading.js';
import { repairCluster, type RepairOptions } from './doctor/repair.js';
import { describeHealth } from './doctor/report.js';
import { lineWidth, print } from './output.js';

/** Between two checks. */
const POLL_INTERVAL_MS = 1_000;

interface Options extends RepairOptions {
  readonly wait: string;
  readonly repair?: true;
}

/**
 * The command `doctor`: compares what the Nacos nodes and their Raft groups believe with the list, and
 * repairs them.
 */
export function doctorCommand(): Command {
  return clientCommand(
    'doctor',
    'compare a cluster’s list with what its Nacos nodes and their Raft groups believe, and repair them',
  )
    .argument('[cluster]', 'as product/cluster', 'nacos/serverlist')
    .addOption(
      new Option(
        '--wait <time>',
        'how long to keep looking while a finding may clear by itself, such as a list on its way; 0s looks once',
      ).default('15s'),
    )
    .option('--repair', 'print what would repair it and what may be lost, ask, and do it step by step')
    .option('--yes', 'with --repair: do not ask')
    .option(
      '--dry-run',
      'with --repair: only print what would be done; the default without a terminal and --yes',
    )
    .option(
      '--survivor <address>',
      'with --repair: the member whose data is kept in Raft groups that have no leader',
    )
    .action((cluster: string, options: Options, command: Command) =>
      run(async () => {
        const wait = waitOf(options.wait);
        const client = clientOf(command);
        if (options.repair) return repairCluster(client, cluster, options);
        const stray = (['yes', 'dryRun', 'survivor'] as const).find((name) => options[name] !== undefined);
        if (stray !== undefined) {
          throw new ClientError(`--${stray === 'dryRun' ? 'dry-run' : stray} belongs to --repair`);
        }
        const health = await look(client, clusterPath(cluster), wait);
        if (health.readMs === undefined) throw new ClientError(`${cluster} was not read: ${health.summary}`);
        if (options.json) await print(JSON.stringify(health, undefined, 2));
        else await print(...describeHealth(health, lineWidth()));
        if (health.findings.length > 0) process.exitCode = EXIT.found;
      }),
    );
}

async function look(client: Client, path: string, wait: number): Promise<ClusterHealth> {
  const until = performance.now() + wait;
  for (;;) {
    const health = await freshHealth(client, path);
    if (health.state !== 'transient' || performance.now() >= until) return health;
    await pause(Math.min(POLL_INTERVAL_MS, until - performance.now()));
  }
}

function waitOf(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms <= 600_000) return ms;
  throw new ClientError(`--wait=${JSON.stringify(text)} is not a duration up to 10m, such as 15s`);
}
