import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Cluster } from '../../../src/registry/cluster.js';
import { createDatabase, openAdmin, testDatabases } from '../../support/databases.js';
import { createSqlStore } from '../../support/replicas.js';
import { connectPatiently } from '../../support/sql.js';
import { bootstrapping, key, Listener } from '../contract.js';

const A = '127.0.0.11:8848';

for (const server of testDatabases) {
  const { name, dialect, skip } = server;
  it(
    `${name}: rows that a person has edited are not served, and the cluster is back when they are right again`,
    { skip },
    async (t) => {
      const url = await createDatabase(t, server);
      const first = createSqlStore(connectPatiently(t, url), 'a:1');
      await first.open(new Listener());
      await first.transact(key, bootstrapping(A));
      await first.transact({ ...key, name: 'other' }, bootstrapping(A));
      await first.close();
      const admin = await openAdmin(dialect, url);
      t.after(() => admin.close());
      const rename = (from: string, to: string): Promise<unknown> =>
        admin.run(
          `UPDATE address_server_member SET address = '${to}' WHERE address = '${from}' AND cluster_id = (SELECT id FROM address_server_cluster WHERE name = '${key.name}')`,
        );
      await rename(A, 'http://evil');
      const clusters = new Map<string, Cluster>();
      const store = createSqlStore(connectPatiently(t, url), 'a:1');
      t.after(() => store.close());
      const changed = (cluster: Cluster): void => void clusters.set(cluster.name, cluster);
      await store.open(Object.assign(new Listener(), { changed }));
      assert.match(clusters.get(key.name)?.damage ?? '', /address="http:\/\/evil"/);
      assert.equal(clusters.get(key.name)?.members.size, 0);
      assert.deepEqual([...(clusters.get('other')?.members.keys() ?? [])], [A]);
      const look = (): Promise<{ cluster: Cluster }> =>
        store.transact(key, (cluster) => ({ cluster, events: [], reply: { type: 'done' } }));
      assert.ok((await look()).cluster.damage !== undefined);
      await rename('http://evil', A);
      assert.equal((await look()).cluster.damage, undefined);
      assert.deepEqual([...(clusters.get(key.name)?.members.keys() ?? [])], [A], 'it is told');
    },
  );
}
