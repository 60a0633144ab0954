import type { Address } from './address.js';
import type { Cluster, Member } from './cluster.js';

/**
 * What becomes of a list that a server has, when the database has lost that and has been given another since, of the same
 * revision or a later one. Either may have been sent. Nobody who is on one of them is dropped, but for those who left, since a
 * node would remove it from Raft; and no revision is ever two lists, so this is a new one. Returns `stored` itself when that
 * lacks nobody.
 */
export function reconciled(known: Cluster, stored: Cluster): Cluster {
  const missing = [...known.members.values()].filter(
    ({ address }) => !stored.members.has(address) && !stored.tombstones.has(address),
  );
  const isSame = known.revision === stored.revision && !haveSameMembers(known, stored);
  if (missing.length === 0 && !isSame) return stored;
  const members = new Map<Address, Member>(stored.members);
  for (const member of missing) members.set(member.address, member);
  const without = <V>(map: ReadonlyMap<Address, V>): ReadonlyMap<Address, V> =>
    new Map([...map].filter(([address]) => !members.has(address)));
  return {
    ...stored,
    epoch: Math.max(known.epoch, stored.epoch),
    revision: Math.max(known.revision, stored.revision) + 1,
    members,
    waiting: without(stored.waiting),
    tombstones: without(stored.tombstones),
  };
}

function haveSameMembers(one: Cluster, other: Cluster): boolean {
  return (
    one.members.size === other.members.size &&
    [...one.members.keys()].every((address) => other.members.has(address))
  );
}
