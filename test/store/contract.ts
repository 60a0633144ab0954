import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { keyOf, type Cluster, type ClusterKey } from '../../src/registry/cluster.js';
import { decide, type Command } from '../../src/registry/decide.js';
import { deliver, hear, storedLease } from '../../src/registry/lease.js';
import type { Clock, Store, Work } from '../../src/registry/ports.js';
import { DEFAULT_RULES } from '../../src/registry/rules.js';

/** What every store must do; each store's own test runs it and adds only what is special. */

export class ManualClock implements Clock {
  now = 1_000_000;
  hearing = (): number => this.now;
  wall = (): number => Date.UTC(2026, 0, 1) + this.now;
}

export const key: ClusterKey = { product: 'nacos', name: 'serverlist' };

/** A store on the same data each time it is called, as after a restart. */
export type StoreFactory = (t: TestContext, clock: ManualClock) => () => Store;

function work(command: Command, clock = new ManualClock()): Work {
  return (cluster, clusters) =>
    decide(cluster, command, { now: clock.now, rules: DEFAULT_RULES, graceUntil: 0, clusters });
}

/** The decision that lists an address in a new cluster. */
export function founding(address: string, clock?: ManualClock): Work {
  return work({ type: 'poll', address, source: 'poll', connectedAt: 0 }, clock);
}

const addresses = ['127.0.0.1:8848', 'nacos-1.nacos:8848', '[::1]:8848'];

export function storeContract(name: string, factory: StoreFactory): void {
  describe(`${name} keeps the store's contract`, () => {
    /** Opens a store; a second call ends the first and opens anew. */
    const setUp = (t: TestContext) => {
      const clock = new ManualClock();
      const make = factory(t, clock);
      let store: Store | undefined;
      t.after(() => store?.close());
      const open = async () => {
        await store?.close();
        store = make();
        const snapshot = await store.open();
        return { store, snapshot };
      };
      return { clock, open };
    };
    const put: Command = { type: 'put', addresses };

    it('is empty at first', async (t) => {
      const { open } = setUp(t);
      assert.deepEqual((await open()).snapshot.clusters, []);
    });

    it('keeps every field over a restart', async (t) => {
      const { open, clock } = setUp(t);
      const { store } = await open();
      await store.transact(
        key,
        work({ type: 'poll', address: 'a.b:1', source: 'poll', id: 'n0', expect: 2, connectedAt: 0 }, clock),
      );
      await store.transact(
        key,
        work({ type: 'poll', address: 'c.d:1', source: 'heartbeat', expect: 2, connectedAt: 0 }, clock),
      );
      clock.now += 5_000;
      await store.transact(
        key,
        work({ type: 'poll', address: 'e.f:1', source: 'poll', connectedAt: 0 }, clock),
      );
      await store.transact(
        key,
        work({ type: 'poll', address: 'g.h:1', source: 'poll', id: 'n3', expect: 3, connectedAt: 0 }, clock),
      );
      await store.transact(
        key,
        work({ type: 'poll', address: 'i.j:1', source: 'heartbeat', id: 'n4', connectedAt: 0 }, clock),
      );
      const { cluster } = await store.transact(key, work({ type: 'leave', address: 'c.d:1' }, clock));
      const { snapshot } = await open();
      assert.deepEqual(plain(snapshot.clusters), plain([cluster]));
      assert.equal(cluster.waiting.size, 1);
      assert.equal(cluster.departed.size, 1);
      assert.ok(snapshot.hearing >= clock.now);
    });

    it('keeps the order of the list', async (t) => {
      const { open } = setUp(t);
      const { store } = await open();
      const many = Array.from({ length: 50 }, (_, i) => `127.0.0.${200 - i}:8848`);
      await store.transact(key, work({ type: 'put', addresses: many }));
      const { snapshot } = await open();
      assert.deepEqual([...(snapshot.clusters[0]?.members.keys() ?? [])], many);
    });

    it('stores nothing for a decision that changes nothing', async (t) => {
      const { open } = setUp(t);
      const { store } = await open();
      const { recorded } = await store.transact(key, work({ type: 'leave', address: 'a.b:1' }));
      assert.deepEqual(recorded, []);
      assert.deepEqual((await open()).snapshot.clusters, []);
    });

    it('leaves the cluster as it was when a decision throws, and goes on', async (t) => {
      const { open } = setUp(t);
      const { store } = await open();
      await store.transact(key, work(put));
      await assert.rejects(
        store.transact(key, () => {
          throw new Error('thrown by the decision');
        }),
        /thrown by the decision/,
      );
      const { cluster } = await store.transact(key, work({ type: 'tick' }));
      assert.deepEqual([...cluster.members.keys()], addresses);
    });

    it('makes decisions about one cluster one after the other', async (t) => {
      const { open } = setUp(t);
      const { store } = await open();
      const founders = Array.from({ length: 40 }, (_, i) => `127.0.1.${i}:8848`);
      const outcomes = await Promise.all(
        founders.map((address) =>
          store.transact(key, work({ type: 'poll', address, source: 'poll', expect: 40, connectedAt: 0 })),
        ),
      );
      assert.equal(
        outcomes.flatMap(({ recorded }) => recorded).filter(({ type }) => type === 'founded').length,
        1,
      );
      const last = outcomes.at(-1)?.cluster;
      assert.equal(last?.revision, 1);
      assert.equal(last.members.size, 40);
    });

    it('keeps leases that were flushed', async (t) => {
      const { open, clock } = setUp(t);
      const { store } = await open();
      const { cluster } = await store.transact(key, work(put, clock));
      const lease = cluster.members.get(addresses[1] ?? '')?.lease;
      assert.ok(lease);
      clock.now += 7_000;
      hear(lease, clock.now, true);
      deliver(lease, 1, clock.now);
      await store.flush(clock.now);
      const { snapshot } = await open();
      const kept = snapshot.clusters[0]?.members;
      assert.deepEqual(
        kept?.get(addresses[1] ?? '')?.lease,
        storedLease({ heardAt: clock.now, delivered: 1, polls: true }),
      );
      assert.equal(kept?.get(addresses[0] ?? '')?.lease.heardAt, clock.now - 7_000);
      assert.equal(snapshot.hearing, clock.now);
    });

    it('never takes the hearing clock back', async (t) => {
      const { open } = setUp(t);
      const { store } = await open();
      await store.flush(5_000_000);
      await store.flush(4_000_000);
      assert.equal((await open()).snapshot.hearing, 5_000_000);
    });

    it('forgets a cluster that never was', async (t) => {
      const { open, clock } = setUp(t);
      const { store } = await open();
      await store.transact(
        key,
        work({ type: 'poll', address: 'a.b:1', source: 'poll', expect: 3, connectedAt: 0 }, clock),
      );
      clock.now += 20_000;
      await store.transact(key, work({ type: 'tick' }, clock));
      assert.deepEqual((await open()).snapshot.clusters, []);
    });

    it('pages through events, of one cluster and of all', async (t) => {
      const { open } = setUp(t);
      const { store } = await open();
      const other = { product: 'nacos', name: 'other' };
      for (let i = 0; i < 5; i++) {
        await store.transact(key, work({ type: 'put', addresses: [`127.0.2.${i}:1`] }));
        await store.transact(other, work({ type: 'put', addresses: [`127.0.3.${i}:1`] }));
      }
      const all = await store.events({ limit: 1_000 });
      assert.equal(all.length, 10);
      assert.ok(
        all.every((event, i) => i === 0 || event.seq < (all[i - 1]?.seq ?? 0)),
        'newest first',
      );
      const mine = await store.events({ cluster: key, limit: 3 });
      assert.deepEqual(
        mine.map(({ name, address }) => `${name} ${address}`),
        ['serverlist 127.0.2.4:1', 'serverlist 127.0.2.3:1', 'serverlist 127.0.2.2:1'],
      );
      const older = await store.events({ cluster: key, before: mine.at(-1)?.seq, limit: 3 });
      assert.deepEqual(
        older.map(({ type }) => type),
        ['admitted', 'founded'],
      );
      const newer = await store.events({ cluster: key, after: mine.at(-1)?.seq, limit: 10 });
      assert.deepEqual(
        newer.map(({ address }) => address),
        ['127.0.2.3:1', '127.0.2.4:1'],
      );
      await open();
    });

    it('numbers events on after a restart', async (t) => {
      const { open } = setUp(t);
      const first = await (await open()).store.transact(key, work(put));
      const second = await (await open()).store.transact(key, work({ type: 'put', addresses: ['x.y:1'] }));
      assert.ok((second.recorded[0]?.seq ?? 0) > (first.recorded.at(-1)?.seq ?? Infinity));
    });
  });
}

/** Clusters as plain objects with sorted lists, without what is not stored. */
function plain(clusters: readonly Cluster[]): unknown {
  return clusters.map((cluster) => ({
    ...cluster,
    key: keyOf(cluster),
    members: [...cluster.members.values()].map(({ lease: { heardAt, delivered, polls }, ...member }) => ({
      ...member,
      lease: { heardAt, delivered, polls },
    })),
    waiting: [...cluster.waiting.values()].map(({ lease: { heardAt, polls }, ...waiting }) => ({
      ...waiting,
      lease: { heardAt, polls },
    })),
    departed: [...cluster.departed].map(([address, { leftAt, quietUntil }]) => ({
      address,
      leftAt,
      quietUntil,
    })),
  }));
}
