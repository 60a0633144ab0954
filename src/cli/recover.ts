import type { Command } from 'commander';
import type { ClusterHealth } from '../doctor/health.js';
import type { ClusterView } from '../registry/view.js';
import { ClientError } from './client-error.js';
import type { Client } from './client.js';
import { clusterPath } from './cluster-name.js';
import { clientCommand, clientOf, run } from './command.js';
import { canAsk, confirm } from './confirm.js';
import { describeCluster } from './members-view.js';
import { lineWidth, print } from './output.js';
import { raftRepair } from './raft-repair.js';

interface Options {
  readonly json?: true;
  readonly yes?: true;
  readonly repaired?: true;
}

const WHAT_IT_DOES =
  'The list becomes those that are live or still answer on their port. Dropped members lose their vote, and Raft of the remaining ones must then be repaired (doctor --repair); after that the waiting nodes join, one by one. If the missing nodes can be started again at their addresses, do that instead.';

const WHAT_IT_BOOTSTRAPS =
  'The waiting nodes become the list, and its revisions continue after the highest that a node reports. Let all nodes of the cluster wait before that: a node that is missing is not on the list, and joins through the gate. If the right database can be brought back, do that instead.';

/**
 * The command `recover`: decides the list of a cluster that lost its majority for good (R7), and explains how
 * to repair Raft.
 */
export function recoverCommand(): Command {
  return clientCommand('recover', 'decide the list of a cluster that lost its majority for good')
    .argument('<cluster>', 'as product/cluster')
    .option('--yes', 'do not ask; required without a terminal')
    .option(
      '--repaired',
      'confirm that Raft of a recovered list has its leaders again, where the server cannot read the nodes: the waiting nodes may join',
    )
    .addHelpText('after', `\n${WHAT_IT_DOES}`)
    .action((cluster: string, options: Options, command: Command) =>
      run(async () => {
        const path = clusterPath(cluster);
        const client = clientOf(command);
        if (options.repaired) {
          const { body } = await client.ask<ClusterView>('POST', `${path}/recover?repaired=true`);
          if (options.json) return print(JSON.stringify(body, undefined, 2));
          return print(...describeCluster(body, lineWidth()));
        }
        if (!options.yes && !canAsk()) {
          throw new ClientError(
            'recover asks before it changes anything, and there is no terminal; give --yes',
          );
        }
        const before = await client.getJson<ClusterView>(path);
        // The database was replaced, and then no list is bootstrapped automatically (R1).
        const isBootstrapping = before.members.length === 0;
        if (!options.yes) {
          const what = isBootstrapping ? WHAT_IT_BOOTSTRAPS : WHAT_IT_DOES;
          console.error([...describeCluster(before, lineWidth()), '', what].join('\n'));
          if (!(await confirm(`Recover ${cluster}?`)))
            throw new ClientError('not confirmed; nothing was changed');
        }
        const { body: after } = await client.ask<ClusterView>('POST', `${path}/recover`);
        if (options.json) return print(JSON.stringify(after, undefined, 2));
        const lines = describeCluster(after, lineWidth());
        const advice = isBootstrapping ? [] : ['', raftRepair(before, after, await versionsOf(client, path))];
        await print(...lines, ...advice);
      }),
    );
}

/** The nodes' versions, as the server last read them; empty if it does not read them. */
async function versionsOf(client: Client, path: string): Promise<ReadonlyMap<string, string>> {
  const health = await client.getJson<Partial<ClusterHealth>>(`${path}/health`).catch(() => undefined);
  return new Map(
    health?.nodes?.flatMap(({ address, version }): [string, string][] =>
      version === undefined ? [] : [[address, version]],
    ),
  );
}
