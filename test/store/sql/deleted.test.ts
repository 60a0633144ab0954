import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Queries } from '../../../src/store/sql/queries.js';
import { createDatabase, openAdmin, testDatabases } from '../../support/databases.js';
import { createSqlStore } from '../../support/replicas.js';
import { connectPatiently } from '../../support/sql.js';
import { Listener } from '../contract.js';

for (const server of testDatabases) {
  const { name, dialect, skip } = server;
  it(
    `${name}: of deleted clusters the latest are kept, of those never bootstrapped none`,
    { skip },
    async (t) => {
      const url = await createDatabase(t, server);
      const database = connectPatiently(t, url);
      const store = createSqlStore(connectPatiently(t, url), 'a:1');
      t.after(() => store.close());
      await store.open(new Listener());
      const admin = await openAdmin(dialect, url);
      t.after(() => admin.close());
      const queries = new Queries(database.dialect);
      for (const [cluster, epoch, revision, decided] of [
        ['slip', 0, 0, 5_000],
        ['waiting', 0, 0, 20_000],
        ['lives', 3, 8, 1_000],
        ['first', 0, 4, 1_000],
        ['second', 0, 4, 2_000],
        ['third', 0, 4, 3_000],
      ] as const) {
        await database.run(queries.createCluster({ product: 'nacos', name: cluster }));
        await admin.run(
          `UPDATE address_server_cluster SET epoch = ${epoch}, revision = ${revision}, decided_at = ${decided} WHERE name = '${cluster}'`,
        );
      }
      const names = async (): Promise<unknown[]> => {
        const rows = await admin.run('SELECT name FROM address_server_cluster ORDER BY id');
        return (rows as { name: string }[]).map((row) => row.name);
      };
      await database.run(queries.forgetClusters(10_000, 2));
      assert.deepEqual(await names(), ['waiting', 'lives', 'second', 'third']);
      await database.run(queries.forgetClusters(10_000));
      assert.deepEqual(await names(), ['waiting', 'lives', 'second', 'third']);
    },
  );
}
