import { CONTEXT_PATH, commandPath } from '../../doctor/command-path.js';
import { inShell } from '../../node-setup.js';

/* Commands that the page shows, ready to copy. */

/** The terminal command that shows the repair plan and carries it out step by step. */
export function repairCommand(key: string, server: string): string {
  return `nacos-address-server doctor ${key} --repair --server ${inShell(server)}`;
}

/**
 * The commands that repair Raft by hand after a lost majority: they make a survivor the only voter, and then
 * let it add the other survivors (docs/internals/nacos.md, "Repair"; seen with 2.5.1 and 3.0.3). The Raft
 * port is the main port minus 1000. `version`: the survivor's; if unknown, the path is that of 2.x.
 */
export function resetPeers(survivor: string, members: readonly string[], version?: string): string {
  const path = CONTEXT_PATH + commandPath(version);
  const say = (command: string, value: string): string =>
    `curl -X POST 'http://${survivor}${path}' \\\n` +
    `  -H 'Content-Type: application/json' \\\n` +
    `  -d '${JSON.stringify({ command, value })}'`;
  const alone = say('resetPeers', raftAddress(survivor));
  if (members.length === 1) return alone;
  const all = say('restRaftCluster', members.map(raftAddress).join(','));
  return `${alone}\nsleep 15\n${all}`;
}

function raftAddress(address: string): string {
  const colon = address.lastIndexOf(':');
  return `${address.slice(0, colon)}:${Number(address.slice(colon + 1)) - 1_000}`;
}
