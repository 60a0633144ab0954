import type { Command } from 'commander';
import type { ClusterPage } from '../http/api/schemas.js';
import type { ClusterView } from '../registry/view.js';
import type { Client } from './client.js';
import { clusterPath, nameOf } from './cluster-name.js';
import { aboutClusters, clientCommand, clientOf, run } from './command.js';
import { displayFor } from './displays.js';
import { describeCluster } from './members-view.js';
import { lineWidth, print } from './output.js';
import { endBySignals } from './signals.js';
import { watch } from './watch.js';

interface Options {
  readonly json?: true;
  readonly watch?: true;
}

/** `members`: a running server's clusters, their members and who waits; once, or as they change. */
export function membersCommand(): Command {
  return aboutClusters(clientCommand('members', 'print the clusters of a running server'))
    .option(
      '--watch',
      'go on: a terminal is redrawn at most once a second; elsewhere each change is printed below the one before, with --json as a line',
    )
    .addHelpText(
      'after',
      '\nExit status: 0; 1 when the server cannot be asked or says no. Ctrl-C ends --watch with 0.',
    )
    .action((cluster: string | undefined, options: Options, command: Command) =>
      run(async () => {
        const client = clientOf(command);
        const path = cluster === undefined ? undefined : clusterPath(cluster);
        if (options.watch) {
          endBySignals();
          return watch(client, cluster, displayFor(options.json ?? false));
        }
        const views: ClusterView[] = [];
        for (const one of path === undefined ? await allPaths(client) : [path]) {
          views.push(await client.getJson<ClusterView>(one));
        }
        if (options.json) return print(JSON.stringify(views, undefined, 2));
        if (views.length === 0) return print('no clusters');
        await print(views.map((view) => describeCluster(view, lineWidth()).join('\n')).join('\n\n'));
      }),
    );
}

async function allPaths(client: Client): Promise<string[]> {
  const paths: string[] = [];
  let query = '';
  for (;;) {
    const page = await client.getJson<ClusterPage>(`/api/v1/clusters${query}`);
    paths.push(...page.clusters.map((summary) => clusterPath(nameOf(summary))));
    if (page.next === undefined) return paths;
    query = `?after=${encodeURIComponent(page.next)}`;
  }
}
