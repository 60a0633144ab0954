import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Changes } from '../../src/cli/changes.js';
import type { Picture } from '../../src/cli/cluster-cache.js';
import type { ClusterView } from '../../src/registry/view.js';

const VIEW: ClusterView = {
  product: 'nacos',
  cluster: 'serverlist',
  state: 'whole',
  summary: 'all 1 members are live and settled',
  epoch: 1,
  revision: 1,
  size: 1,
  live: 1,
  unsettled: 0,
  ttlMs: 15_000,
  members: [
    {
      address: '10.0.0.5:8848',
      source: 'poll',
      state: 'live',
      settled: true,
      silentMs: 0,
      leaseMs: 15_000,
      deliveredRevision: 1,
      upToDate: true,
    },
  ],
  waiting: [],
};

function picture(view: ClusterView | undefined, isListed = view !== undefined): Picture {
  return {
    from: 'http://127.0.0.1:8080',
    at: new Date(0),
    server: undefined,
    lost: undefined,
    clusters: new Map([['nacos/serverlist', view]]),
    summaries: isListed ? [{ ...VIEW, members: 1, waiting: 0 }] : [],
  };
}

function aged(silentMs: number): ClusterView {
  return {
    ...VIEW,
    members: VIEW.members.map((member) => ({ ...member, silentMs, leaseMs: 15_000 - silentMs })),
  };
}

test('a change is what is told, and that time passes is none', () => {
  const changes = new Changes();
  assert.deepEqual(changes.since(picture(VIEW)), [{ name: 'nacos/serverlist', view: VIEW }]);
  assert.deepEqual(changes.since(picture(aged(4_000))), []);
  const members = VIEW.members.map((member) => ({ ...member, refused: 'a token is needed' }));
  assert.equal(changes.since(picture({ ...VIEW, members })).length, 1);
});

test('a cluster that is gone is told once, and one that could not be asked for is not gone', () => {
  const changes = new Changes();
  changes.since(picture(VIEW));
  assert.deepEqual(changes.since(picture(undefined, true)), []);
  assert.deepEqual(changes.since(picture(undefined)), [{ name: 'nacos/serverlist', view: undefined }]);
  assert.deepEqual(changes.since(picture(undefined)), []);
});
