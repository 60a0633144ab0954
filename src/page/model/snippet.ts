import { CONTEXT_PATH, commandPath } from '../../doctor/command-path.js';
import { inShell } from '../../node-setup.js';

/* Commands that the page shows, ready to be copied. */

/** What shows how Raft would be repaired, and does it step by step: a command for a terminal. */
export function repairCommand(key: string, server: string): string {
  return `nacos-address-server doctor ${key} --repair --server ${inShell(server)}`;
}

/**
 * What repairs Raft by hand after a lost majority: a survivor is told that it is the only voter, and then to add the others
 * that are left (docs/internals/nacos.md, "Repair"; seen on 2.5.1 and 3.0.3). Raft's port is the main one less 1000.
 * `version`: what the survivor runs; the path is that of 2.x where it is not known.
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
