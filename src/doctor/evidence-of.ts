import type { Address } from '../registry/address.js';
import type { RaftEvidence } from '../registry/evidence.js';
import { memberOf, type RaftGroup } from './groups.js';
import { isRead, type Reading } from './node-view.js';

/**
 * What the registry's rules may take from a reading (registry/evidence.ts). Of voters nothing is said unless every group
 * could be judged: one that could not may be the one that matters.
 */
export function evidenceOf(
  readings: readonly Reading[],
  groups: readonly RaftGroup[],
  raftOffset: number,
  readAt: number,
): RaftEvidence {
  const leaderless = groups.filter(({ lead }) => lead === 'unled').map(({ name }) => name);
  const isWhole =
    groups.length > 0 && groups.every(({ lead, apart }) => lead === 'led' && apart.length === 0);
  if (!isWhole) return { readAt, leaderless, lacking: new Map(), voters: undefined };
  const lacking = readings
    .filter(isRead)
    .map(({ address }): [Address, string[]] => [
      address,
      groups.filter(({ followers }) => !followers.has(address)).map(({ name }) => name),
    ]);
  const voters = new Map<Address, string[]>();
  for (const { name, copy } of groups) {
    for (const voter of copy?.voters ?? []) {
      const address = memberOf(voter, raftOffset);
      voters.set(address, [...(voters.get(address) ?? []), name]);
    }
  }
  return { readAt, leaderless, lacking: new Map(lacking), voters };
}
