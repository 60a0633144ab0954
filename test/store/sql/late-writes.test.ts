import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cluster } from '../../../src/registry/cluster.js';
import { decide } from '../../../src/registry/decide.js';
import { StoreUnavailable, type Store } from '../../../src/registry/interfaces.js';
import { DEFAULT_RULES } from '../../../src/registry/rules.js';
import { hear } from '../../../src/registry/lease.js';
import {
  DatabaseError,
  type Database,
  type Session,
  type Statement,
} from '../../../src/store/sql/client/database.js';
import { Cleanup } from '../../support/cleanup.js';
import { connectAdmin, createDatabase, testDatabases } from '../../support/databases.js';
import { createSqlStore } from '../../support/replicas.js';
import { connectTo } from '../../support/sql.js';
import { key, Listener, REPORT } from '../contract.js';

/*
 * A write of which no answer came in time may have been made, may be made later, or both when it was sent again. Here
 * this happens to every single one: what differs between the runs is how late it is.
 */

/** Makes every write again, `lateness` statements later, and reports every other one as failed though it was made. */
class LateDatabase implements Database {
  readonly #real: Database;
  readonly #lateness: number;
  readonly #late: { readonly statement: Statement; left: number }[] = [];
  #count = 0;
  /** Writes that were made once more. */
  repeated = 0;

  constructor(real: Database, lateness: number) {
    this.#real = real;
    this.#lateness = lateness;
  }

  get dialect(): Database['dialect'] {
    return this.#real.dialect;
  }

  get name(): string {
    return this.#real.name;
  }

  get statements(): number {
    return this.#real.statements;
  }

  async run<R = unknown>(statement: Statement): Promise<readonly R[]> {
    await this.#makeLate();
    const rows = await this.#real.run<R>(statement);
    if (/^\s*select/i.test(statement.sql)) return rows;
    this.#late.push({ statement, left: this.#lateness });
    if (this.#count++ % 2 === 0) throw this.#unknown();
    return rows;
  }

  async transaction<T>(limit: number, work: (session: Session) => Promise<T>): Promise<T> {
    await this.#makeLate();
    const result = await this.#real.transaction(limit, work);
    if (this.#count++ % 2 === 0) throw this.#unknown();
    return result;
  }

  together<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return work(this);
  }

  exclusively<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#real.exclusively(work);
  }

  close(): Promise<void> {
    return this.#real.close();
  }

  #unknown(): DatabaseError {
    return new DatabaseError('unavailable', 'no answer came');
  }

  async #makeLate(): Promise<void> {
    for (const late of [...this.#late]) {
      if (--late.left > 0) continue;
      this.#late.splice(this.#late.indexOf(late), 1);
      await this.#real.run(late.statement);
      this.repeated++;
    }
  }
}

/** Does it until the store does not say that it is out of reach. */
async function persist<T>(act: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || tries === 50) throw error;
    }
  }
}

const addresses = Array.from({ length: 8 }, (_, i) => `127.0.0.${i + 1}:8848`);

async function put(store: Store, count: number): Promise<Cluster> {
  const command = { type: 'put', addresses: addresses.slice(0, count) } as const;
  const { cluster } = await persist(() =>
    store.transact(key, (found, { now, clusters }) =>
      decide(found, command, { now, rules: DEFAULT_RULES, graceUntil: 0, clusters }),
    ),
  );
  return cluster;
}

for (const server of testDatabases) {
  const { name, skip } = server;
  describe(`writes of unknown outcome on ${name}`, { skip }, () => {
    for (const lateness of [1, 2, 3, 5, 8, 13]) {
      it(`do no harm ${lateness} statements later`, async (t) => {
        const cleanup = new Cleanup(t);
        const url = await createDatabase(cleanup, server);
        const admin = await connectAdmin(server, new URL(url).pathname.slice(1));
        cleanup.after(() => admin.close());
        const late = new LateDatabase(connectTo(cleanup, url), lateness);
        const first = createSqlStore(late, 'a');
        const other = createSqlStore(connectTo(cleanup, url), 'b');
        const [listener, others] = [new Listener(), new Listener()];
        await persist(() => first.open(listener));
        await other.open(others);

        /** What the first one's row says, which may only grow under one token. */
        const said = new Map<string, number>();
        const look = async (): Promise<void> => {
          const rows = await admin.run<{ id: string; token: string; seen: unknown; changes: unknown }>(
            'SELECT r.id, r.token, r.seen AS seen, c.changes AS changes FROM address_server_replica r, address_server_clock c',
          );
          assert.deepEqual(rows.map(({ id }) => id).sort(), ['a', 'b'], 'each is there, once');
          for (const { token, seen, changes } of rows) {
            assert.ok(Number(seen) >= (said.get(token) ?? 0), `${Number(seen)} after ${said.get(token)}`);
            assert.ok(Number(seen) <= Number(changes), 'nobody has what there is not');
            said.set(token, Number(seen));
          }
        };
        for (let count = 1; count <= addresses.length; count++) {
          const cluster = await put(count % 2 === 0 ? first : other, count);
          for (const member of cluster.members.values()) hear(member.lease, member.joinedAt + count, true);
          for (const store of [first, other, first, other]) {
            await persist(() => store.sync(REPORT));
            await look();
          }
          for (const { all } of [listener, others]) {
            assert.deepEqual([...(all[0]?.members.keys() ?? [])], addresses.slice(0, count));
          }
        }
        assert.equal(said.size, 2, 'nobody had to enter anew');
        const events = await other.events({ limit: 100 });
        const admitted = events.flatMap(({ address }) => address ?? []);
        assert.deepEqual([...admitted].sort(), [...new Set(admitted)].sort(), 'nothing was decided twice');
        assert.ok(late.repeated > 20, `${late.repeated}`);
        await first.close();
        await other.close();
      });
    }
  });
}
