import { voterOf } from '../doctor/groups.js';
import { parseAddress, splitAddress, type Address } from '../registry/address.js';
import type { ClusterView } from '../registry/view.js';

/** What to do about Raft after a recover (seen with Nacos 2.5.1): one call to a survivor, before anybody joins it. */
export function raftRepair(before: ClusterView, after: ClusterView): string {
  const old = new Map(before.members.map(({ address, state }) => [address, state]));
  const survivors = after.members.filter(({ address }) => old.has(address));
  const survivor = survivors.find(({ state }) => state === 'live') ?? survivors[0];
  if (!survivor) {
    return 'No member of the list before is left, so there is no Raft group to repair: the nodes start without data.';
  }
  const voters = after.members.map(({ address }) => raftAddress(address));
  if (voters.some((voter) => voter === undefined)) {
    return 'Now repair Raft on a survivor with resetPeers. Not every member has a Raft port, which is its port minus 1000, so the command is not shown here.';
  }
  const body = JSON.stringify({ command: 'resetPeers', value: voters.join(',') });
  return [
    'Now repair Raft of those that are left; until that is done nobody joins them:',
    '',
    `  nacos-address-server doctor ${after.product}/${after.cluster} --repair`,
    '',
    `It shows a plan and asks. By hand: tell the survivor ${survivor.address} who the voters are (the Raft port is the port minus 1000):`,
    '',
    `  curl -g -X POST 'http://${survivor.address}/nacos/v1/core/ops/raft' -H 'Content-Type: application/json' -d '${body}'`,
    '',
    'It has a leader within some 12 s; those that wait join then, one by one, and get its data. Nacos 3.x has this at /nacos/v3/admin/core/ops/raft, for administrators; 1.4.2 and 2.0.3 do not have it.',
  ].join('\n');
}

/** Undefined for what is no address, since it would stand in a command for a shell, or has no such port. */
function raftAddress(address: Address): string | undefined {
  if (!parseAddress(address).ok) return undefined;
  const { port } = splitAddress(address);
  return port > 1_000 ? voterOf(address, 1_000) : undefined;
}
