import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emptyCluster, type Cluster, type Member } from '../../src/registry/cluster.js';
import { deliver, hear, newLease } from '../../src/registry/lease.js';
import { ClusterEntry } from '../../src/runtime/entry.js';

const KEY = { product: 'nacos', name: 'serverlist' };
const [A, B, C] = ['a.b:1', 'c.d:1', 'e.f:1'] as const;

function cluster(revision: number, ...addresses: string[]): Cluster {
  const member = (address: string): Member => ({
    address,
    source: 'poll',
    joinedAt: 0,
    joinedRevision: revision,
    settled: true,
    presence: 'live',
    presenceSince: 0,
    lease: newLease(0),
  });
  const members = new Map(addresses.map((address) => [address, member(address)]));
  return { ...emptyCluster(KEY), epoch: 1, revision, size: addresses.length, members };
}

describe('a list that not every server has yet', () => {
  it('goes to those who are new on it, and the one before to all others', () => {
    const entry = new ClusterEntry(KEY);
    const before = cluster(1, A, B);
    const after = cluster(2, A, B, C);
    entry.replace(before, 'released');
    entry.replace(after, 'decided');
    assert.equal(entry.listFor(A), before);
    assert.equal(entry.listFor(undefined), before);
    assert.equal(entry.listFor(C), after);
    entry.replace(after, 'released');
    assert.equal(entry.listFor(A), after);
  });

  it('is kept from a newcomer while a member has not even the one before, and may drop its address from Raft', () => {
    const entry = new ClusterEntry(KEY);
    const before = cluster(2, A, B);
    const after = { ...before, revision: 3, members: new Map([...before.members, ...cluster(3, C).members]) };
    const lease = before.members.get(A)!.lease;
    hear(lease, 0, true);
    deliver(lease, 1, 0);
    entry.replace(before, 'released');
    entry.replace(after, 'decided');
    assert.equal(entry.listFor(C), undefined);
    entry.delivered(A, 2, 0);
    assert.equal(entry.listFor(C), after);
  });

  it('is nobody’s, nor is the one before, when some server may send it already', () => {
    const entry = new ClusterEntry(KEY);
    const before = cluster(1, A, B);
    const after = cluster(2, A, B, C);
    entry.replace(before, 'released');
    entry.replace(after, 'decided');
    entry.replace(after, 'promised');
    for (const address of [A, C, undefined]) assert.equal(entry.listFor(address), undefined);
    entry.replace(cluster(3, A, C), 'decided');
    for (const address of [A, C, undefined]) assert.equal(entry.listFor(address), undefined);
    entry.replace(after, 'released');
    assert.equal(entry.listFor(A), after);
  });

  it('is kept from a newcomer when it is not the only change: a server that has the first alone would send that', () => {
    const entry = new ClusterEntry(KEY);
    entry.replace(cluster(1, A, B), 'released');
    entry.replace(cluster(2, A, B, C), 'decided');
    entry.replace(cluster(3, A, C), 'decided');
    assert.equal(entry.listFor(C), undefined);
  });

  it('leaves the one before in force through several changes', () => {
    const entry = new ClusterEntry(KEY);
    const before = cluster(1, A, B);
    entry.replace(before, 'released');
    entry.replace(cluster(2, A, B, C), 'decided');
    entry.replace(cluster(3, A, C), 'decided');
    assert.equal(entry.listFor(A), before);
  });

  it('is nobody’s while the one before is not known here', () => {
    const entry = new ClusterEntry(KEY);
    entry.replace(cluster(2, A, B), 'decided');
    assert.equal(entry.listFor(A), undefined);
    entry.replace(cluster(2, A, B), 'released');
    assert.equal(entry.listFor(A)?.revision, 2);
  });

  it('is the newest at once when only something else about the cluster changed', () => {
    const entry = new ClusterEntry(KEY);
    entry.replace(cluster(2, A, B), 'released');
    const same = { ...cluster(2, A, B), quorumLost: true };
    entry.replace(same, 'decided');
    assert.equal(entry.listFor(A), same);
  });
});
