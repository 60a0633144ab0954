import type { Command } from 'commander';
import type { ClusterView } from '../registry/view.js';
import { ClientError } from './client-error.js';
import type { Client } from './client.js';
import { clusterFields, clusterPath } from './cluster-name.js';
import { clientCommand, clientOf, complain, run } from './command.js';
import { confirm } from './confirm.js';
import { readList } from './import/list.js';
import { mustBeAbleToAsk, type ImportOptions } from './import/options.js';
import { describePlan, planOf, warningsOf, type Plan } from './import/plan.js';
import { adoptMembers } from './import/adopt.js';
import { readSource, sourceName } from './import/source.js';
import { lineWidth, print } from './output.js';

/**
 * The official address server's API, which takes a whole list in one request (http/nacos/official-api.ts).
 */
const OFFICIAL_PATH = '/nacos/v1/as/nodes';

const DEFAULT_CLUSTER = 'nacos/serverlist';

/**
 * The command `import`: takes a running Nacos cluster's list as static members, and later gives them leases.
 */
export function importCommand(): Command {
  return clientCommand('import', 'take the list of a running Nacos cluster as static members')
    .usage('[options] <source> [cluster]\n       nacos-address-server import --adopt [options] [cluster]')
    .argument(
      '[source]',
      'a cluster.conf, a list that nginx serves, - for the standard input, or the URL of a list',
    )
    .argument('[cluster]', `product/cluster; ${DEFAULT_CLUSTER} if left out`)
    .option('--adopt', 'give the static members that are heard a lease: the end of a move')
    .option('--dry-run', 'only show what would change')
    .option('--yes', 'do not ask; required without a terminal')
    .addHelpText('after', '\nNothing is taken off a list, and a source with one bad entry is refused whole.')
    .action(
      (first: string | undefined, second: string | undefined, options: ImportOptions, command: Command) =>
        run(async () => {
          if (options.adopt) {
            if (second !== undefined) throw new ClientError('--adopt takes no source, only a cluster');
            return adoptMembers(clientOf(command), first ?? DEFAULT_CLUSTER, options);
          }
          if (first === undefined) throw new ClientError('a source is missing: a file, a URL, or -');
          await importList(clientOf(command), first, second ?? DEFAULT_CLUSTER, options);
        }),
    );
}

async function importList(
  client: Client,
  source: string,
  cluster: string,
  options: ImportOptions,
): Promise<void> {
  const path = clusterPath(cluster);
  const name = sourceName(source);
  if (source === '-') mustBeAbleToAsk('import', options, true);
  const { addresses, notes } = readList(await readSource(source), name);
  const before = await viewOf(client, path);
  const plan = planOf(addresses, before);
  for (const note of notes) complain(note);
  const changes = plan.added.length > 0;
  const shown = describePlan(plan, before, name, lineWidth());
  if (options.dryRun || !changes) {
    return print(
      ...(options.json ? [json(cluster, name, plan, before)] : [...shown, '', conclusion(plan, cluster)]),
    );
  }
  mustBeAbleToAsk('import', options);
  if (options.yes) {
    if (options.json) for (const warning of warningsOf(plan, name)) complain(warning);
  } else {
    console.error(shown.join('\n'));
    const question = `Put ${count(plan.added.length)} onto ${cluster} at ${client.name}?`;
    if (!(await confirm(question))) throw new ClientError('not confirmed; nothing was changed');
  }
  await client.postForm(OFFICIAL_PATH, { ...clusterFields(cluster), ips: plan.added.join(',') });
  const after = await verified(client, path, cluster, addresses);
  if (options.json) return print(json(cluster, name, plan, after));
  await print(
    ...(options.yes ? [...shown, ''] : []),
    `${cluster} has revision ${after.revision} now, and all ${addresses.length} of ${name} are on it.`,
    'Next: let the nodes poll with self=…, one after the other (docs/moving.md); then import --adopt.',
  );
}

/** Reads the list back after the change. */
async function verified(
  client: Client,
  path: string,
  cluster: string,
  addresses: readonly string[],
): Promise<ClusterView> {
  const after = await client.getJson<ClusterView>(path);
  const lacking = addresses.filter((address) => !after.members.some((member) => member.address === address));
  if (lacking.length === 0) return after;
  throw new ClientError(
    `${client.name} reported that all were put, but ${cluster} lacks ${lacking.join(', ')}; an operator may have taken them off meanwhile: look at nacos-address-server events ${cluster}`,
  );
}

/** Undefined if the cluster does not exist yet. */
async function viewOf(client: Client, path: string): Promise<ClusterView | undefined> {
  try {
    return await client.getJson<ClusterView>(path);
  } catch (error) {
    if (error instanceof ClientError && error.status === 404) return undefined;
    throw error;
  }
}

function conclusion({ added, missing }: Plan, cluster: string): string {
  if (added.length > 0)
    return `Nothing was changed: without --dry-run, ${count(added.length)} would be put onto ${cluster}.`;
  return missing.length > 0
    ? `Nothing to do: all of the source are on ${cluster}.`
    : `Nothing to do: ${cluster} is the same list.`;
}

function count(members: number): string {
  return `${members} static member${members === 1 ? '' : 's'}`;
}

function json(
  cluster: string,
  source: string,
  { added, present, missing }: Plan,
  view: ClusterView | undefined,
): string {
  const { revision = 0 } = view ?? {};
  return JSON.stringify({ cluster, source, added, present, missing, revision }, undefined, 2);
}
