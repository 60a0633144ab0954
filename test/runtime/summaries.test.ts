import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyCluster, type Member } from '../../src/registry/cluster.js';
import { newLease } from '../../src/registry/lease.js';
import { Summaries } from '../../src/runtime/summaries.js';
import { startServer, type TestServer } from '../support/server.js';

const MEMBERS = 3;

/** Clusters of three live members each, as the store tells of them. */
function inhabit({ service }: TestServer, clusters: number): void {
  const { now } = service;
  for (let i = 0; i < clusters; i++) {
    const members = Array.from({ length: MEMBERS }, (_, j): Member => {
      const address = `10.${i >> 8}.${i & 255}.${j}:8848`;
      const lease = newLease(now);
      return {
        address,
        source: 'poll',
        joinedAt: now,
        joinedRevision: 1,
        settled: true,
        presence: 'live',
        presenceSince: now,
        lease,
      };
    });
    const cluster = {
      ...emptyCluster({ product: 'nacos', name: `c${i}` }),
      epoch: 1,
      revision: 1,
      size: MEMBERS,
      members: new Map(members.map((member) => [member.address, member])),
    };
    service.changed(cluster, cluster);
  }
}

test('a pass over many clusters lets others go on, and tells what changed since the last', async (t) => {
  const server = await startServer(t, { rules: { maxAddresses: 1_000_000 } });
  inhabit(server, 5_000);
  const summaries = new Summaries(server.service);
  let turns = 0;
  let isOver = false;
  const others = (async () => {
    for (; !isOver; turns++) await new Promise(setImmediate);
  })();
  const first = await summaries.pass(() => true);
  isOver = true;
  await others;
  assert.equal(first!.changed.length, 5_000);
  assert.ok(turns > 5, `others had ${turns} turns`);

  assert.deepEqual(await summaries.pass(() => true), { changed: [], gone: [] });
  await server.service.command(
    { product: 'nacos', name: 'c7' },
    { type: 'put', addresses: ['10.9.9.9:8848'] },
  );
  const { changed } = (await summaries.pass(() => true))!;
  assert.deepEqual(
    changed.map(({ key }) => key.name),
    ['c7'],
  );
});

test('a pass that nobody waits for any more is given up', async (t) => {
  const server = await startServer(t, { rules: { maxAddresses: 1_000_000 } });
  inhabit(server, 5_000);
  const summaries = new Summaries(server.service);
  assert.equal(await summaries.pass(() => false), undefined);
  assert.ok(summaries.all.length < 5_000);
});
