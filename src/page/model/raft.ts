import type { ClusterHealth } from './types.js';

/** One node's role in the Raft groups of its cluster. */
export interface RaftPart {
  /** Groups in which it is a voter, out of `known`, the groups that have a leader. */
  readonly voterIn: number;
  readonly known: number;
  readonly leads: number;
  readonly version: string | undefined;
}

/** Each node's role by its address; empty if no group was seen. */
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
