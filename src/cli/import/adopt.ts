import { EXIT } from '../../exit-status.js';
import type { AdoptAnswerView } from '../../http/api/schemas.js';
import type { ClusterView, MemberView } from '../../registry/view.js';
import { ClientError } from '../client-error.js';
import type { Client } from '../client.js';
import { clusterPath } from '../cluster-name.js';
import { confirm } from '../confirm.js';
import { describeCluster } from '../members-view.js';
import { lineWidth, print } from '../output.js';
import { mustBeAbleToAsk, type ImportOptions } from './options.js';

const WHAT_IT_DOES =
  'Static members that are heard get a lease: from then on a node that dies for good is evicted like any other. The list stays as it is.';

/** `import --adopt`: gives static members leases at the end of a move. */
export async function adoptMembers(client: Client, cluster: string, options: ImportOptions): Promise<void> {
  const path = clusterPath(cluster);
  const before = await client.getJson<ClusterView>(path);
  const all = before.members.filter(({ source }) => source === 'static');
  if (options.dryRun) {
    const adopted = all.filter(isHeard).map(({ address }) => address);
    const kept = all.filter((member) => !isHeard(member)).map(({ address }) => address);
    if (options.json) {
      const stays = kept.map((address) => ({ address, reason: 'it is not heard' }));
      return print(JSON.stringify({ revision: before.revision, adopted, kept: stays }, undefined, 2));
    }
    const lines = [`would get a lease: ${listed(adopted)}`, `would stay static, not heard: ${listed(kept)}`];
    return print(...describeCluster(before, lineWidth()), '', ...lines);
  }
  if (!options.yes && all.length > 0) {
    mustBeAbleToAsk('import --adopt', options);
    console.error([...describeCluster(before, lineWidth()), '', WHAT_IT_DOES].join('\n'));
    if (!(await confirm(`Adopt the static members of ${cluster} that are heard?`)))
      throw new ClientError('not confirmed; nothing was changed');
  }
  const { body } = await client.ask<AdoptAnswerView>('POST', `${path}/adopt`);
  if (body.kept.length > 0) process.exitCode = EXIT.later;
  if (options.json) return print(JSON.stringify(body, undefined, 2));
  await print(...describe(body, cluster));
}

function describe({ adopted, kept }: AdoptAnswerView, cluster: string): string[] {
  if (adopted.length + kept.length === 0) return [`Nothing to do: ${cluster} has no static members.`];
  return [
    ...(adopted.length > 0 ? [`These have a lease now: ${listed(adopted)}`] : []),
    ...kept.map(({ reason }) => `stays static: ${reason}`),
    ...(kept.length > 0 ? ['Run this command again once they are heard.'] : []),
  ];
}

/** Judges as the server does (registry/adopt.ts), from the server's view of the member. */
function isHeard({ state, leaseMs = 0 }: MemberView): boolean {
  return state === 'static' && leaseMs > 0;
}

function listed(addresses: readonly string[]): string {
  return addresses.length === 0 ? 'none' : addresses.join(', ');
}
