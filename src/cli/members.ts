import type { Command } from 'commander';
import type { ClusterSummary, ClusterView } from '../registry/view.js';
import { clientCommand, clusterPath, getJson, run } from './client.js';
import { renderTable } from './table.js';

interface Options {
  readonly server: string;
  readonly json?: true;
}

/** `members`: a running server's clusters, their members and who waits. */
export function membersCommand(): Command {
  return clientCommand('members', 'print the clusters of a running server').action(
    (cluster: string | undefined, options: Options) =>
      run(async () => {
        const paths = cluster === undefined ? await allPaths(options.server) : [clusterPath(cluster)];
        const views: ClusterView[] = [];
        for (const path of paths) views.push(await getJson<ClusterView>(options.server, path));
        if (options.json) return console.log(JSON.stringify(views, undefined, 2));
        if (views.length === 0) console.log('no clusters');
        for (const view of views) console.log(await render(view));
      }),
  );
}

async function allPaths(server: string): Promise<string[]> {
  const paths: string[] = [];
  let query = '';
  for (;;) {
    const page = await getJson<{ clusters: ClusterSummary[]; next?: string }>(
      server,
      `/api/v1/clusters${query}`,
    );
    paths.push(...page.clusters.map(({ product, cluster }) => clusterPath(`${product}/${cluster}`)));
    if (page.next === undefined) return paths;
    query = `?after=${encodeURIComponent(page.next)}`;
  }
}

async function render(view: ClusterView): Promise<string> {
  const title = `${view.product}/${view.cluster}: ${view.state} (${view.summary}); epoch ${view.epoch}, revision ${view.revision}`;
  if (view.members.length + view.waiting.length === 0) return title;
  const members = view.members.map((member) => [
    member.address,
    member.id ?? '',
    member.state,
    member.source,
    member.silentMs === undefined ? '' : `${(member.silentMs / 1_000).toFixed(1)} s ago`,
    member.settled ? 'yes' : 'no',
    member.current ? 'current' : `revision ${member.delivered}`,
  ]);
  const waiting = view.waiting.map((one) => [
    one.address,
    one.id ?? '',
    'waiting',
    '',
    `for ${Math.round(one.waitingMs / 1_000)} s`,
    '',
    one.reason,
  ]);
  const head = ['address', 'id', 'state', 'source', 'last heard', 'settled', 'list'];
  return `${title}\n${await renderTable(head, [...members, ...waiting])}`;
}
