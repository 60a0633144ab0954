import type { Command } from 'commander';
import type { ClusterView } from '../registry/view.js';
import { ClientError } from './client-error.js';
import { clusterPath } from './cluster-name.js';
import { clientCommand, clientOf, run } from './command.js';
import { canAsk, confirm } from './confirm.js';
import { describeCluster } from './members-view.js';
import { lineWidth, print } from './output.js';

interface Options {
  readonly json?: true;
  readonly yes?: true;
}

const WHAT_IT_DOES =
  'For a cluster that was bootstrapped by mistake, or that is empty or dead. Its history stays. The server refuses if a member was heard, or put, within the last minute (EVICT_AFTER).';

/** The command `delete`: deletes a cluster that has no live member. */
export function deleteCommand(): Command {
  return clientCommand('delete', 'delete a cluster that has no live member')
    .argument('<cluster>', 'as product/cluster')
    .option('--yes', 'do not ask; required without a terminal')
    .addHelpText('after', `\n${WHAT_IT_DOES}`)
    .action((cluster: string, options: Options, command: Command) =>
      run(async () => {
        const path = clusterPath(cluster);
        const client = clientOf(command);
        if (!options.yes) {
          if (!canAsk()) {
            throw new ClientError(
              'delete asks before it changes anything, and there is no terminal; give --yes',
            );
          }
          const before = await client.getJson<ClusterView>(path);
          console.error([...describeCluster(before, lineWidth()), '', WHAT_IT_DOES].join('\n'));
          if (!(await confirm(`Delete ${cluster}?`)))
            throw new ClientError('not confirmed; nothing was changed');
        }
        const { body } = await client.ask<unknown>('DELETE', path);
        if (options.json) return print(JSON.stringify(body, undefined, 2));
        await print(`${cluster} is deleted; its history stays: nacos-address-server events ${cluster}`);
      }),
    );
}
