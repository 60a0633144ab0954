import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { keyOf, type ClusterKey } from '../../src/registry/cluster.js';
import { decide } from '../../src/registry/decide.js';
import {
  StoreUnavailable,
  type SyncResult,
  type OpenResult,
  type SyncRequest,
} from '../../src/registry/interfaces.js';
import type { ClusterListener } from '../../src/registry/interfaces.js';
import { DEFAULT_RULES } from '../../src/registry/rules.js';
import { LeaseClock } from '../../src/runtime/lease-clock.js';
import { RegistryService } from '../../src/runtime/registry-service.js';
import type { Database } from '../../src/store/sql/client/database.js';
import { SqlStore } from '../../src/store/sql/sql-store.js';
import { Random } from '../registry/simulation/random.js';
import { Cleanup } from '../support/cleanup.js';
import { createDatabase, newerDatabases, type TestServer } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { prepare } from '../support/replicas.js';
import { connectPatiently, connectTo } from '../support/sql.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/*
 * Random schedules of two servers on a real database, each behind a network of its own that is cut, slow, or swallows
 * answers: no node is ever sent an older list than it has, and no revision is two lists (docs/internals/agreement.md).
 * Minutes pass when a schedule says so. SCHEDULES=200 sets how many, SCHEDULES_SEED repeats them; what happens between
 * two statements is the machine's, so that a repeated schedule may end otherwise.
 */

const SCHEDULES = Number(process.env.SCHEDULES ?? 15);
const SEED = Number(process.env.SCHEDULES_SEED ?? 1);
const STEPS = 30;

/** After so long, in milliseconds, a server sends nothing by itself, and the others give it up. */
const LONG = 125_000;

const [X, Y, Z, J] = ['127.0.2.1:8848', '127.0.2.2:8848', '127.0.2.3:8848', '127.0.2.4:8848'] as const;

/** How often each step is taken. */
const WEIGHTS = {
  exchange: 10,
  decide: 5,
  slow: 3,
  cut: 2,
  refuse: 2,
  'lose an answer': 2,
  restore: 5,
  'minutes pass': 2,
  crash: 1,
  copy: 0,
  'set back': 0,
};
type Step = keyof typeof WEIGHTS;

/** The store, exchanging when it is told to. */
class PacedStore extends SqlStore {
  override readonly pace = 3_600_000 as number;
  /** Up to which set-back this server has looked at the database. */
  looked = -1;
  readonly #setBacks: () => number;

  constructor(options: ConstructorParameters<typeof SqlStore>[0], setBacks: () => number) {
    super(options);
    this.#setBacks = setBacks;
  }

  override async open(listener: ClusterListener, grace?: number): Promise<OpenResult> {
    const began = this.#setBacks();
    const opened = await super.open(listener, grace);
    this.looked = began;
    return opened;
  }

  override async sync(report: SyncRequest): Promise<SyncResult> {
    const began = this.#setBacks();
    const news = await super.sync(report);
    this.looked = began;
    return news;
  }
}

/** One of the servers, from one start to the next. */
class Server {
  readonly id: string;
  readonly store: PacedStore;
  readonly service: RegistryService;
  readonly proxy: TcpProxy;
  isUp = true;
  /** Whether its row may be in no copy: it entered after that was made. */
  enteredIn: number;
  #passed = 0;
  #started: Promise<void>;

  private constructor(id: string, proxy: TcpProxy, database: Database, world: World) {
    this.id = id;
    this.proxy = proxy;
    this.enteredIn = world.copies;
    this.store = new PacedStore(
      { database, replica: id, prepare: () => Promise.resolve() },
      () => world.setBacks,
    );
    const now = (): number => performance.now() + this.#passed;
    const clock = new LeaseClock({ monotonic: now, wall: () => Date.now() + this.#passed });
    this.service = new RegistryService({
      store: this.store,
      clock,
      probe: { probe: () => Promise.resolve('open') },
      rules: DEFAULT_RULES,
      log: pino({ level: process.env.TEST_LOG ?? 'silent' }),
    });
    this.#started = this.service.start();
  }

  static async start(id: string, url: string, world: World): Promise<Server> {
    const { proxy, proxied } = await TcpProxy.before(url);
    world.cleanup.after(() => proxy.close());
    return new Server(id, proxy, connectTo(world.cleanup, proxied), world);
  }

  /** Time in which it neither ran nor was heard of. */
  pass(ms: number): void {
    this.#passed += ms;
  }

  /** The list that a node gets that asks now, on a new connection. */
  listFor(
    address: string,
    key: ClusterKey,
  ): { readonly revision: number; readonly list: string } | undefined {
    const entry = this.service.find(keyOf(key));
    if (!this.isUp || !entry?.cluster.members.has(address)) return undefined;
    const list = this.service.listFor(entry, address);
    if (!list || list.members.size === 0) return undefined;
    entry.delivered(address, list.revision, this.service.now);
    return { revision: list.revision, list: [...list.members.keys()].sort().join(' ') };
  }

  /** As kill -9 does it. */
  async crash(): Promise<void> {
    this.isUp = false;
    await this.proxy.refuse();
    this.proxy.cut();
    await this.#started.catch(() => undefined);
    await this.service.stop();
  }

  async ready(): Promise<void> {
    await this.#started;
  }
}

/** What one schedule runs on. */
class World {
  readonly cleanup: Cleanup;
  readonly random: Random;
  readonly key: ClusterKey;
  readonly log: string[] = [];
  setBacks = 0;
  copies = 0;
  /** What each node was sent last, and the list of each revision that was sent. */
  readonly #has = new Map<string, number>();
  readonly #lists = new Map<number, string>();
  readonly #direct: Database;
  readonly #url: string;
  readonly #losesCommits: boolean;
  #servers: Server[] = [];
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(cleanup: Cleanup, url: string, direct: Database, seed: number, losesCommits: boolean) {
    this.cleanup = cleanup;
    this.#url = url;
    this.#direct = direct;
    this.#losesCommits = losesCommits;
    this.random = new Random(seed);
    this.key = { product: 'nacos', name: `schedule-${seed}` };
  }

  async play(): Promise<void> {
    await emptied(this.#direct);
    this.#servers = [await Server.start('a', this.#url, this), await Server.start('b', this.#url, this)];
    await Promise.all(this.#servers.map((server) => server.ready()));
    await this.#decide(this.#servers[0]!, [X, Y, Z]);
    await this.#settle();
    try {
      for (let i = 0; i < STEPS; i++) {
        await this.#take(this.#choose());
        this.#look();
        // Mostly something else happens meanwhile.
        if (this.random.next() < 0.7) await sleep(this.random.between(0, 4));
        this.#look();
      }
      for (const { proxy } of this.#servers) await proxy.restore();
      await Promise.all(this.#underWay);
      await this.#settle();
    } finally {
      await Promise.all(this.#servers.map((server) => server.crash()));
      await Promise.all(this.#underWay);
    }
  }

  #choose(): Step {
    const weights = { ...WEIGHTS, ...(this.#losesCommits ? { copy: 2, 'set back': 2 } : {}) };
    const all = Object.entries(weights) as [Step, number][];
    let left = this.random.next() * all.reduce((sum, [, weight]) => sum + weight, 0);
    return all.find(([, weight]) => (left -= weight) < 0)?.[0] ?? 'exchange';
  }

  async #take(step: Step): Promise<void> {
    const i = this.random.between(0, 1);
    const server = this.#servers[i]!;
    const { proxy } = server;
    this.log.push(`${server.id}: ${step}`);
    switch (step) {
      case 'exchange':
        return this.#begin(server.service.sync());
      case 'decide':
        return this.#begin(this.#toggle(server));
      case 'slow':
        return proxy.delay(this.random.between(0, 6));
      case 'cut':
        return proxy.cut();
      case 'refuse':
        await proxy.refuse();
        return proxy.cut();
      case 'lose an answer':
        return proxy.once(/COMMIT(?!TED)|address_server_replica/, () => proxy.cut());
      case 'restore':
        return proxy.restore();
      case 'minutes pass':
        server.pass(LONG);
        return this.#age(`id = '${server.id}'`);
      case 'crash':
        this.#begin(server.crash());
        this.#servers[i] = await Server.start(server.id, this.#url, this);
        return this.#begin(this.#servers[i].ready().catch(() => undefined));
      case 'copy':
        this.copies++;
        return copied(this.#direct);
      case 'set back':
        return this.#setBack();
    }
  }

  #begin(work: Promise<unknown>): void {
    const done = work
      .catch((error: unknown) => {
        if (!(error instanceof StoreUnavailable)) throw error;
      })
      .finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  #toggle(server: Server): Promise<void> {
    const members = server.service.find(keyOf(this.key))?.cluster.members;
    const one = [Y, Z, J][this.random.between(0, 2)]!;
    const now = [X, Y, Z, J].filter(
      (address) => (members?.has(address) ?? address !== J) !== (address === one),
    );
    return this.#decide(server, now);
  }

  async #decide(server: Server, addresses: readonly string[]): Promise<void> {
    await server.store.transact(this.key, (cluster, { now, clusters }) =>
      decide(cluster, { type: 'put', addresses }, { now, rules: DEFAULT_RULES, graceUntil: 0, clusters }),
    );
  }

  async #age(which: string): Promise<void> {
    await this.#direct.run({
      sql: `update address_server_replica set seen_at = seen_at - ${LONG} where ${which}`,
      parameters: [],
    });
  }

  /** An older copy takes the database's place; all connections end with the one that was. */
  async #setBack(): Promise<void> {
    if (this.copies === 0) return;
    for (const { proxy } of this.#servers) {
      await proxy.refuse();
      proxy.cut();
    }
    await restored(this.#direct);
    this.setBacks++;
    for (const { proxy } of this.#servers) await proxy.restore();
  }

  /** Each node asks each server. */
  #look(): void {
    for (const server of this.#servers) {
      if (this.#isExcused(server)) continue;
      for (const node of [X, J]) {
        const sent = server.listFor(node, this.key);
        if (!sent) continue;
        const { revision, list } = sent;
        const told = `${server.id} sends ${node} revision ${revision} (${list})`;
        const before = this.#has.get(node) ?? 0;
        if (revision !== before) this.log.push(told);
        assert.ok(revision >= before, this.#tell(`${told}, which has ${before}`));
        const same = this.#lists.get(revision) ?? list;
        assert.equal(list, same, this.#tell(`${told}, which is ${same} elsewhere`));
        this.#has.set(node, revision);
        this.#lists.set(revision, list);
      }
    }
  }

  /**
   * The named exceptions: until all that were up when the database lost something have looked, who has looked believes it;
   * and nobody waits for one whose entering was lost.
   */
  #isExcused(server: Server): boolean {
    if (this.setBacks === 0) return false;
    const isUnaware = ({ store }: Server): boolean => store.looked < this.setBacks;
    return isUnaware(server) ? server.enteredIn > 0 : this.#servers.some(isUnaware);
  }

  #tell(what: string): string {
    return [what, ...this.log].join('\n');
  }

  /** When all reach the database again, all soon send the newest list. */
  async #settle(): Promise<void> {
    await eventually(this.#tell('all send the same list'), async () => {
      await Promise.all(this.#servers.map(({ service }) => service.sync()));
      // Those that are gone, under whichever name they were entered, are given up sooner than after two minutes.
      const clock = 'select hearing_ms from address_server_clock';
      await this.#age(`seen_at < (${clock}) - 5000`);
      this.#look();
      const sent = this.#servers.map((server) => server.listFor(X, this.key));
      const newest = this.#servers.map(({ service }) => service.find(keyOf(this.key))?.cluster.revision);
      return (
        sent[0] !== undefined &&
        newest.every((revision) => revision === sent[0]!.revision) &&
        sent.every((one) => one?.revision === sent[0]!.revision)
      );
    });
  }
}

const TABLES = ['clock', 'replica', 'cluster', 'member', 'waiting', 'departed', 'lease'].map(
  (table) => `address_server_${table}`,
);

/** Decisions count their change in the clock's row, so that nothing is committed between the tables. */
const LOCK = 'select one from address_server_clock for update';

async function copied(database: Database): Promise<void> {
  await database.transaction(60_000, async (session) => {
    await session.run({ sql: LOCK, parameters: [] });
    for (const table of TABLES) {
      await session.run({ sql: `delete from copy_of_${table}`, parameters: [] });
      await session.run({ sql: `insert into copy_of_${table} select * from ${table}`, parameters: [] });
    }
  });
}

async function restored(database: Database): Promise<void> {
  await database.transaction(60_000, async (session) => {
    // In the order in which the servers lock.
    for (const table of [...TABLES].reverse()) {
      await session.run({ sql: `delete from ${table}`, parameters: [] });
      await session.run({ sql: `insert into ${table} select * from copy_of_${table}`, parameters: [] });
    }
  });
}

/** No servers and no clusters; the clock goes on. */
async function emptied(database: Database): Promise<void> {
  for (const table of TABLES.slice(1)) await database.run({ sql: `delete from ${table}`, parameters: [] });
}

async function prepared(
  t: TestContext,
  server: TestServer,
): Promise<{ url: string; direct: Database; cleanup: Cleanup }> {
  const cleanup = new Cleanup(t);
  const url = await createDatabase(cleanup, server);
  const direct = connectPatiently(cleanup, url);
  await prepare(direct);
  for (const table of TABLES) {
    await direct.run({
      sql: `create table copy_of_${table} as select * from ${table} where 1 = 0`,
      parameters: [],
    });
  }
  return { url, direct, cleanup };
}

for (const server of newerDatabases) {
  describe(`random schedules on ${server.name}`, { skip: server.skip, concurrency: 2 }, () => {
    for (const [what, losesCommits] of [
      ['cuts, crashes and lost answers', false],
      ['a database that loses what it confirmed', true],
    ] as const) {
      it(`no node goes back: ${SCHEDULES} of ${what}`, async (t) => {
        const { url, direct, cleanup } = await prepared(t, server);
        for (let i = 0; i < SCHEDULES; i++) {
          const seed = SEED * 100_000 + i;
          await new World(cleanup, url, direct, seed, losesCommits).play().catch((error: unknown) => {
            throw new Error(`seed ${SEED}, schedule ${i}: ${String(error)}`, { cause: error });
          });
        }
        t.diagnostic(`SCHEDULES=${SCHEDULES} SCHEDULES_SEED=${SEED}`);
      });
    }
  });
}
