import { parseAddress } from '../registry/address.js';
import type { Probe } from '../registry/ports.js';
import { memberOf, type RaftGroup } from './groups.js';
import { isRead, type Reading } from './node-view.js';

/** Voters that are looked at, at most: nodes may name any number of them. */
const MOST = 50;

/**
 * Which of the voters that are on no list are seen to be dead: nobody listens on their main port and on their Raft port, or
 * their host does not answer at all and no node has them on its own list. Of all others that cannot be said, and nobody
 * may take their votes by a command.
 */
export async function deadPhantoms(
  groups: readonly RaftGroup[],
  readings: readonly Reading[],
  probe: Probe,
  raftOffset: number,
): Promise<ReadonlySet<string>> {
  const believed = new Set(readings.filter(isRead).flatMap(({ members }) => members));
  const phantoms = [...new Set(groups.flatMap((group) => group.phantoms))].slice(0, MOST);
  const dead = await Promise.all(
    phantoms.map(async (voter) => {
      const member = memberOf(voter, raftOffset);
      if (!parseAddress(voter).ok || !parseAddress(member).ok) return [];
      const answers = await Promise.all([probe.probe(member), probe.probe(voter)]);
      if (answers.every((answer) => answer === 'refused')) return [voter];
      const isSilent = answers.every((answer) => answer === 'refused' || answer === 'unreachable');
      return isSilent && !believed.has(member) ? [voter] : [];
    }),
  );
  return new Set(dead.flat());
}
