import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emptyCluster, type Cluster, type Member } from '../../src/registry/cluster.js';
import { deliver, hear, newLease } from '../../src/registry/lease.js';
import { ServedCluster } from '../../src/runtime/served-cluster.js';

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
    const entry = new ServedCluster(KEY);
    const before = cluster(1, A, B);
    const after = cluster(2, A, B, C);
    entry.replace(after, before);
    assert.equal(entry.listFor(A), before);
    assert.equal(entry.listFor(undefined), before);
    assert.equal(entry.listFor(C), after);
    entry.replace(after, after);
    assert.equal(entry.listFor(A), after);
  });

  it('is kept from a newcomer while a member has not even the one before, and may drop its address from Raft', () => {
    const entry = new ServedCluster(KEY);
    const before = cluster(2, A, B);
    const after = { ...before, revision: 3, members: new Map([...before.members, ...cluster(3, C).members]) };
    const lease = before.members.get(A)!.lease;
    hear(lease, 0, true);
    deliver(lease, 1, 0);
    entry.replace(after, before);
    assert.equal(entry.listFor(C), undefined);
    entry.delivered(A, 2, 0);
    assert.equal(entry.listFor(C), after);
  });

  it('is nobody’s, nor is the one before, when some server may send it already', () => {
    const entry = new ServedCluster(KEY);
    const after = cluster(2, A, B, C);
    entry.replace(after, undefined);
    for (const address of [A, C, undefined]) assert.equal(entry.listFor(address), undefined);
  });

  it('is kept from a newcomer when it is not the only change: a server that has the first alone would send that', () => {
    const entry = new ServedCluster(KEY);
    entry.replace(cluster(3, A, C), cluster(1, A, B));
    assert.equal(entry.listFor(C), undefined);
    assert.equal(entry.listFor(A)?.revision, 1);
  });

  it('is kept from those who bootstrap a cluster anew until all know that the one before has ended', () => {
    const entry = new ServedCluster(KEY);
    entry.replace(cluster(2, A, B), cluster(1));
    assert.equal(entry.listFor(A), undefined);
  });

  it('is kept from one that was on the list of an earlier epoch, as that list is', () => {
    const entry = new ServedCluster(KEY);
    const before = cluster(1, A, B);
    const rebootstrapped = { ...cluster(2, C), epoch: 2 };
    const back = { ...cluster(3, C, A), epoch: 2 };
    entry.replace(rebootstrapped, before);
    assert.equal(entry.listFor(C), rebootstrapped);
    entry.replace(back, before);
    assert.equal(entry.listFor(A), undefined);
    entry.replace(back, rebootstrapped);
    assert.equal(entry.listFor(A), back);
  });

  it('is nobody’s after something was lost, until it is known again', () => {
    const entry = new ServedCluster(KEY);
    const list = cluster(2, A, B);
    entry.replace(list, list);
    entry.distrust();
    assert.equal(entry.listFor(A), undefined);
    entry.replace(list, list);
    assert.equal(entry.listFor(A), list);
  });
});
