import type { Address } from '../registry/address.js';
import type { RaftEvidence } from '../registry/evidence.js';
import { memberOf, type RaftGroup } from './groups.js';
import { isRead, type Reading } from './node-view.js';

/** Turns readings into evidence for the registry's rules (registry/evidence.ts). */
export function evidenceOf(
  readings: readonly Reading[],
  groups: readonly RaftGroup[],
  raftOffset: number,
  readAt: number,
): RaftEvidence {
  const leaderless = groups.filter(({ lead }) => lead === 'unled').map(({ name }) => name);
  // A misnamed node votes by its own name and not by its listed one.
  const areNamed = readings.filter(isRead).every(({ otherName }) => otherName === undefined);
  const isWhole =
    areNamed && groups.length > 0 && groups.every(({ lead, apart }) => lead === 'led' && apart.length === 0);
  if (!isWhole) return { readAt, leaderless, whole: undefined };
  const voters = new Map<Address, string[]>();
  for (const { name, copy } of groups) {
    for (const voter of copy?.voters ?? []) {
      const address = memberOf(voter, raftOffset);
      voters.set(address, [...(voters.get(address) ?? []), name]);
    }
  }
  const followers = readings
    .filter(isRead)
    .filter(({ address }) => groups.every((group) => group.followers.has(address)))
    .map(({ address }) => address);
  const names = groups.map(({ name }) => name);
  return { readAt, leaderless, whole: { groups: names, voters, followers: new Set(followers) } };
}
