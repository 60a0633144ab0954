import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDatabase, newerDatabases } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { startReplica } from '../support/replicas.js';
import { connectTo } from '../support/sql.js';

const KEY = { product: 'nacos', name: 'slip' };
const NAME = 'nacos/slip';
const ADDRESSES = ['10.0.0.1:8848', '10.0.0.2:8848'];

for (const server of newerDatabases) {
  const { name, skip } = server;
  test(
    `${name}: a cluster that one server deletes is gone at the other, and no list of it comes back`,
    { skip },
    async (t) => {
      const url = await createDatabase(t, server);
      const [a, b] = await Promise.all(
        ['a:1', 'b:1'].map((id) => startReplica(t, { database: connectTo(t, url), id })),
      );
      assert.ok(a && b);
      await a.service.command(KEY, { type: 'put', addresses: ADDRESSES });
      await eventually('the other has it', () => b.service.find(NAME)?.cluster.members.size === 2, 60_000);
      const { revision } = b.service.find(NAME)?.cluster ?? { revision: NaN };
      const refused = await b.service.command(KEY, { type: 'forget' });
      assert.equal(refused.reply.type, 'refused');
      await b.service.command(KEY, { type: 'delete', addresses: ADDRESSES });
      const { reply } = await b.service.command(KEY, { type: 'forget' });
      assert.equal(reply.type, 'done');
      const isGone = (): boolean => (a.service.find(NAME)?.cluster.epoch ?? 0) === 0;
      await eventually('it is gone at the first', isGone, 60_000);
      // Whoever exchanges now must not take it for lost by the database.
      await a.service.sync();
      await b.service.sync();
      assert.ok(isGone());
      assert.equal((await a.service.command(KEY, { type: 'forget' })).reply.type, 'unknown');
      const { cluster } = await a.service.command(KEY, { type: 'put', addresses: ADDRESSES });
      assert.ok(cluster.revision > revision, `revision ${cluster.revision} after ${revision}`);
      await eventually(
        'the other has the new list',
        () => b.service.find(NAME)?.cluster.members.size === 2,
        60_000,
      );
    },
  );
}
