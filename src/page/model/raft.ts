import type { ClusterHealth } from './types.js';

/** What one node is in the Raft groups of its cluster. */
export interface RaftPart {
  /** Of how many groups it is a voter, and of how many that is known: those that have a leader. */
  readonly voterIn: number;
  readonly known: number;
  readonly leads: number;
  readonly version: string | undefined;
}

/** By the nodes' addresses; empty when no group was seen. */
export function raftParts(health: ClusterHealth | undefined): ReadonlyMap<string, RaftPart> {
  if (!health || health.groups.length === 0) return new Map();
  const { nodes } = health;
  const known = new Set(nodes.flatMap(({ leads }) => leads)).size;
  return new Map(
    nodes.map(({ address, voterIn, leads, version }) => [
      address,
      { voterIn: voterIn.length, known, leads: leads.length, version },
    ]),
  );
}
