import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { isForgettable, keyOf, type Cluster, type ClusterKey } from '../../src/registry/cluster.js';
import { decide, type Command } from '../../src/registry/decide.js';
import { deliver, hear, observeProbe, seeEnd, storedLease } from '../../src/registry/lease.js';
import type {
  Behind,
  Clock,
  ClusterListener,
  SyncRequest,
  Store,
  Work,
} from '../../src/registry/interfaces.js';
import { DEFAULT_RULES } from '../../src/registry/rules.js';

/** What every store must do; each store's own test runs it and adds only what is special. */

export class ManualClock implements Clock {
  time = 1_000_000;
  now = (): number => this.time;
  wall = (): number => Date.UTC(2026, 0, 1) + this.time;
}

/** Keeps what a store tells. */
export class Listener implements ClusterListener {
  readonly clusters = new Map<string, Cluster>();
  readonly pending = new Set<string>();

  changed(cluster: Cluster, sent: Cluster | undefined): void {
    const name = keyOf(cluster);
    if (isForgettable(cluster)) this.clusters.delete(name);
    else this.clusters.set(name, cluster);
    if (sent !== cluster) this.pending.add(name);
    else this.pending.delete(name);
  }

  catchUp(): Behind {
    return { since: Infinity, until: 0, by: 0 };
  }

  telling(): void {
    // Only a running server answers anybody meanwhile.
  }

  lost(): void {
    // What it says afterwards is what counts.
  }

  /** All of them. */
  get all(): readonly Cluster[] {
    return [...this.clusters.values()];
  }
}

export const REPORT: SyncRequest = {
  hearing: 0,
  graceUntil: 0,
  grace: 0,
  renewalSlackMs: 0,
  isWaiting: false,
  isLast: true,
};

export const key: ClusterKey = { product: 'nacos', name: 'serverlist' };

/** A store on the same data each time it is called, as after a restart. */
export type StoreFactory = (t: TestContext, clock: ManualClock) => () => Store | Promise<Store>;

/** A decision, `later` milliseconds from now. */
function work(command: Command, later = 0): Work {
  return (cluster, { now, clusters }) =>
    decide(cluster, command, { now: now + later, rules: DEFAULT_RULES, graceUntil: 0, clusters });
}

/** The decision that lists an address in a new cluster. */
export function bootstrapping(address: string): Work {
  return work({ type: 'poll', address, source: 'poll', connectedAt: 0 });
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
        store = await make();
        const listener = new Listener();
        const opened = await store.open(listener);
        return { store, listener, opened };
      };
      return { clock, open };
    };
    const put: Command = { type: 'put', addresses };

    it('is empty at first', async (t) => {
      const { open } = setUp(t);
      assert.deepEqual((await open()).listener.all, []);
    });

    it('keeps every field over a restart', async (t) => {
      const { open } = setUp(t);
      const { store } = await open();
      await store.transact(
        key,
        work({ type: 'poll', address: 'a.b:1', source: 'poll', id: 'n0', expect: 2, connectedAt: 0 }),
      );
      const bootstrapped = await store.transact(
        key,
        work({ type: 'poll', address: 'c.d:1', source: 'heartbeat', expect: 2, connectedAt: 0 }),
      );
      deliver(bootstrapped.cluster.members.get('a.b:1')!.lease, 1, 1);
      await store.transact(key, work({ type: 'poll', address: 'e.f:1', source: 'poll', connectedAt: 0 }));
      await store.transact(
        key,
        work({ type: 'poll', address: 'g.h:1', source: 'poll', id: 'n3', expect: 3, connectedAt: 0 }),
      );
      await store.transact(
        key,
        work({ type: 'poll', address: 'i.j:1', source: 'heartbeat', id: 'n4', connectedAt: 0 }),
      );
      await store.transact(
        key,
        work({ type: 'repair', action: 'begin', holder: 'a server’s repair', note: 'why' }),
      );
      const { cluster } = await store.transact(key, work({ type: 'leave', address: 'c.d:1' }));
      const { listener } = await open();
      assert.deepEqual(plain(listener.all), plain([cluster]));
      assert.equal(cluster.repair?.holder, 'a server’s repair');
      assert.equal(cluster.waiting.size, 2);
      assert.equal(cluster.tombstones.size, 1);
    });

    it('keeps that a static member was adopted, though the list is the same', async (t) => {
      const { open } = setUp(t);
      const { store } = await open();
      const { cluster } = await store.transact(key, work(put));
      const { now } = (await store.sync(REPORT)).scene;
      hear(cluster.members.get(addresses[0]!)!.lease, now + 1, true);
      const released = await store.transact(key, work({ type: 'adopt' }, 2));
      assert.deepEqual(
        released.recorded.map(({ type, address, revision }) => [type, address, revision]),
        [['adopted', addresses[0], 1]],
      );
      const { listener } = await open();
      assert.deepEqual(
        [...listener.all[0]!.members.values()].map(({ source, lease }) => [source, lease.polls]),
        [
          ['heartbeat', true],
          ['static', false],
          ['static', false],
        ],
      );
    });

    it('keeps the order of the list', async (t) => {
      const { open } = setUp(t);
      const { store } = await open();
      const many = Array.from({ length: 50 }, (_, i) => `127.0.0.${200 - i}:8848`);
      await store.transact(key, work({ type: 'put', addresses: many }));
      const { listener } = await open();
      assert.deepEqual([...(listener.all[0]?.members.keys() ?? [])], many);
    });

    it('stores nothing for a decision that changes nothing', async (t) => {
      const { open } = setUp(t);
      const { store } = await open();
      const { recorded } = await store.transact(key, work({ type: 'leave', address: 'a.b:1' }));
      assert.deepEqual(recorded, []);
      assert.deepEqual((await open()).listener.all, []);
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
      const all = Array.from({ length: 40 }, (_, i) => `127.0.1.${i}:8848`);
      // Each adds itself to what it reads; no rule of time is in between, since a slow machine takes seconds for them all.
      const add =
        (address: string): Work =>
        (cluster, scene) =>
          work({ type: 'put', addresses: [...cluster.members.keys(), address] })(cluster, scene);
      const outcomes = await Promise.all(all.map((address) => store.transact(key, add(address))));
      assert.deepEqual(
        outcomes.map(({ cluster }) => cluster.revision).sort((a, b) => a - b),
        all.map((_, i) => i + 1),
      );
      const { listener } = await open();
      assert.deepEqual([...(listener.all[0]?.members.keys() ?? [])].sort(), [...all].sort());
    });

    it('keeps leases that were exchanged', async (t) => {
      const { open } = setUp(t);
      const { store } = await open();
      const { cluster } = await store.transact(key, work(put));
      const [first, second] = addresses.map((address) => cluster.members.get(address)!);
      const before = { ...second!.lease };
      const { now } = (await store.sync(REPORT)).scene;
      hear(first!.lease, now, true);
      deliver(first!.lease, 1, now);
      observeProbe(first!, 'open', now);
      seeEnd(first!.lease, now);
      observeProbe(first!, 'refused', now + 1, now + 1);
      await store.sync(REPORT);
      await store.sync(REPORT);
      const { listener } = await open();
      const kept = listener.all[0]!.members;
      const facts = { heardAt: now, openAt: now, endedAt: now, deliveredAt: now };
      assert.deepEqual(
        { ...kept.get(first!.address)?.lease, refusedAt: 0, stored: undefined },
        storedLease({ ...facts, refusedAt: 0, delivered: 1, polls: true }),
      );
      assert.ok(kept.get(first!.address)!.lease.refusedAt >= now);
      assert.deepEqual(kept.get(second!.address)?.lease, before);
    });

    it('says how many leases it wrote', async (t) => {
      const { open } = setUp(t);
      const { store } = await open();
      const other = { product: 'nacos', name: 'other' };
      const members = [
        ...(await store.transact(key, work(put))).cluster.members.values(),
        ...(
          await store.transact(other, work({ type: 'put', addresses: ['x.y:1'] }))
        ).cluster.members.values(),
      ];
      await store.sync(REPORT);
      const { written, scene } = await store.sync(REPORT);
      assert.equal(written, 0, 'a decision stores its leases itself');
      const heard = [members[0]!, members[3]!];
      for (const { lease } of heard) hear(lease, scene.now + 1, true);
      assert.equal((await store.sync(REPORT)).written, 2);
      assert.equal((await store.sync(REPORT)).written, 0);
    });

    it('keeps the lease of who waits and who has left', async (t) => {
      const { open } = setUp(t);
      const { store } = await open();
      await store.transact(key, work(put));
      await store.transact(key, work({ type: 'leave', address: addresses[0]! }));
      await store.transact(
        key,
        work({ type: 'poll', address: addresses[0]!, source: 'poll', connectedAt: 0 }),
      );
      const { cluster } = await store.transact(
        key,
        work({ type: 'poll', address: 'a.b:1', source: 'poll', expect: 9, connectedAt: 0 }),
      );
      const { listener } = await open();
      assert.deepEqual(listener.all[0]?.tombstones, cluster.tombstones);
    });

    it('forgets a cluster that never was', async (t) => {
      const { open } = setUp(t);
      const { store } = await open();
      await store.transact(
        key,
        work({ type: 'poll', address: 'a.b:1', source: 'poll', expect: 3, connectedAt: 0 }),
      );
      await store.transact(key, work({ type: 'tick' }, 20_000));
      assert.deepEqual((await open()).listener.all, []);
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
        ['admitted', 'bootstrapped'],
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

/** Clusters as plain objects, without what is not stored. */
function plain(clusters: readonly Cluster[]): unknown {
  return clusters.map((cluster) => ({
    ...cluster,
    members: [...cluster.members],
    waiting: [...cluster.waiting],
    tombstones: [...cluster.tombstones],
  }));
}
