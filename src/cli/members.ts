import type { Command } from 'commander';
import type { ClusterView } from '../registry/view.js';
import type { Client } from './client.js';
import { clusterPath, nameOf } from './cluster-name.js';
import { aboutClusters, clientCommand, clientOf, run } from './command.js';
import { displayFor } from './renderers.js';
import { firstSteps } from './first-steps.js';
import { describeCluster } from './members-view.js';
import { lineWidth, print } from './output.js';
import { allClusters, describeRefused, refusedOf, strays, type NamedCaller } from './refused.js';
import { endBySignals } from './signals.js';
import { watch } from './watch.js';

interface Options {
  readonly json?: true;
  readonly watch?: true;
}

/**
 * The command `members`: prints a running server's clusters, members and waiting addresses, once or as they
 * change.
 */
export function membersCommand(): Command {
  return aboutClusters(clientCommand('members', 'print the clusters of a running server'))
    .option(
      '--watch',
      'keep running: a terminal is redrawn at most once a second; elsewhere each change is printed below the one before, with --json as a line',
    )
    .action((cluster: string | undefined, options: Options, command: Command) =>
      run(async () => {
        const client = clientOf(command);
        // Reject an invalid cluster name before asking the server.
        if (cluster !== undefined) clusterPath(cluster);
        if (options.watch) {
          endBySignals();
          return watch(client, cluster, displayFor(options.json ?? false));
        }
        const views: ClusterView[] = [];
        for (const one of cluster === undefined ? await allClusters(client) : [cluster]) {
          views.push(await client.getJson<ClusterView>(clusterPath(one)));
        }
        if (options.json) return print(JSON.stringify(views, undefined, 2));
        const texts: string[][] = [];
        for (const view of views)
          texts.push([...describeCluster(view, lineWidth()), ...(await refusals(client, view))]);
        if (views.length === 0) texts.push(await firstSteps(client));
        if (cluster === undefined)
          texts.push(refusedLines('refused, and named no known cluster:', await strays(client)));
        await print(texts.flatMap((lines) => (lines.length === 0 ? [] : [lines.join('\n')])).join('\n\n'));
      }),
    );
}

/** How many refused callers are shown with a cluster; `events --refused` prints all. */
const FEW_REFUSED = 5;

async function refusals(client: Client, view: ClusterView): Promise<string[]> {
  if (view.refused === undefined) return [];
  return refusedLines('refused:', await refusedOf(client, nameOf(view)));
}

function refusedLines(title: string, callers: readonly NamedCaller[]): string[] {
  if (callers.length === 0) return [];
  // The cluster's name is printed above, and the path repeats it.
  const few = callers
    .slice(0, FEW_REFUSED)
    .map(({ cluster, ...caller }) => (caller.path === `/${cluster}` ? { ...caller, path: '' } : caller));
  const more = callers.length - few.length;
  const rest = more === 0 ? [] : [`and ${more} more: events --refused shows them`];
  return [...describeRefused(title, few, lineWidth()), ...rest];
}
