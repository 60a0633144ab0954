import type { Address } from './address.js';
import type { Cluster, Member } from './cluster.js';

/**
 * Merges a list that a server has with the stored one, after the database lost the former and was given
 * another of the same or a later revision. Either may have been sent. The result keeps every member of both
 * lists except those that left, since nodes would remove a missing one from Raft. It has a new revision,
 * since no revision may stand for two lists. Returns `stored` itself when that lacks no member.
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
