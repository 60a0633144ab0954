import { voterIn } from '../doctor/groups.js';
import { commandPath, CONTEXT_PATH } from '../doctor/command-path.js';
import { canReset } from '../doctor/node-view.js';
import { NOBODY } from '../doctor/leader-proof.js';
import { parseAddress, splitAddress, type Address } from '../registry/address.js';
import type { ClusterView } from '../registry/view.js';

/**
 * How to repair Raft after a recover (seen with Nacos 2.5.1): one call to a survivor before any node joins
 * it, and one that adds the others. `versionOf` gives a node's version, if the server has read it.
 */
export function raftRepair(
  before: ClusterView,
  after: ClusterView,
  versionOf: ReadonlyMap<Address, string> = new Map(),
): string {
  const old = new Map(before.members.map(({ address, state }) => [address, state]));
  const survivors = after.members.filter(({ address }) => old.has(address));
  const survivor = survivors.find(({ state }) => state === 'live') ?? survivors[0];
  if (!survivor) {
    return 'No member of the list before is left, so there is no Raft group to repair: the nodes start without data.';
  }
  const voters = after.members.map(({ address }) => raftAddress(address));
  const own = raftAddress(survivor.address);
  if (own === undefined || voters.some((voter) => voter === undefined)) {
    return 'Now repair Raft on a survivor with resetPeers. Not every member has a Raft port, which is its port minus 1000, so the command is not shown here.';
  }
  const version = versionOf.get(survivor.address);
  const say = (command: string, value: string): string =>
    `  curl -g -X POST 'http://${survivor.address}${CONTEXT_PATH}${commandPath(version)}' -H 'Content-Type: application/json' -d '${JSON.stringify({ command, value })}'`;
  return [
    'Now repair Raft of the remaining members; until that is done no node joins them:',
    '',
    `  nacos-address-server doctor ${after.product}/${after.cluster} --repair`,
    '',
    `It shows a plan and asks. By hand: tell the survivor ${survivor.address} that it is the only voter (the Raft port is the port minus 1000):`,
    '',
    say('resetPeers', own),
    '',
    `If it has no leader after 30 s, it had begun to remove another when it lost it, and takes this for its configuration already: send resetPeers with the value ${own},${NOBODY}, and then as above again.`,
    '',
    ...(voters.length === 1
      ? []
      : [
          'It has a leader within some 12 s. Then let it add the others that are left, which get its data:',
          '',
          say('restRaftCluster', voters.join(',')),
          '',
        ]),
    `${voters.length === 1 ? 'It has a leader within some 12 s; the waiting nodes join then' : 'The waiting nodes join after that'}, one by one, and get its data. ${whereElse(version)}`,
  ]
    .join('\n')
    .trimEnd();
}

/** The differences between versions, when the survivor's version is not known. */
function whereElse(version: string | undefined): string {
  if (version === undefined) {
    return 'Nacos 3.x has this at /nacos/v3/admin/core/ops/raft, for administrators; 1.4.2 and 2.0.3 do not have it.';
  }
  if (!canReset({ version })) {
    return `Nacos ${version} does not know it: stop all nodes, empty data/protocol/raft of each (what only Raft has is lost), and start them together.`;
  }
  return version.startsWith('3.')
    ? `Nacos ${version} takes it from administrators, or with the header nacos.core.auth.server.identity.key.`
    : '';
}

/**
 * The Raft address of a node. Undefined if the text is not an address, since it goes into a shell command, or
 * has no such port.
 */
function raftAddress(address: Address): string | undefined {
  if (!parseAddress(address).ok) return undefined;
  const { port } = splitAddress(address);
  return port > 1_000 ? voterIn(address, 1_000) : undefined;
}
