import assert from 'node:assert/strict';
import { it } from 'node:test';
import { decide } from '../../../src/registry/decide.js';
import type { SyncRequest, Work } from '../../../src/registry/interfaces.js';
import { DEFAULT_RULES, graceTime } from '../../../src/registry/rules.js';
import { createDatabase, testDatabases } from '../../support/databases.js';
import { createSqlStore } from '../../support/replicas.js';
import { connectPatiently } from '../../support/sql.js';
import { Listener } from '../contract.js';

const GRACE = graceTime(DEFAULT_RULES);
const NOTHING: SyncRequest = {
  hearing: 0,
  graceUntil: 0,
  grace: 0,
  renewalSlackMs: 0,
  isWaiting: false,
  isLast: false,
};

/** Three members that an operator put. */
const put: Work = (cluster, { now, clusters }) =>
  decide(
    cluster,
    { type: 'put', addresses: ['127.0.0.1:8848', '127.0.0.2:8848', '127.0.0.3:8848'] },
    { now, clusters, rules: DEFAULT_RULES, graceUntil: 0 },
  );

for (const server of testDatabases) {
  const { name, skip } = server;
  it(
    `${name}: who starts beside a list says with its first word that nobody is evicted (R8)`,
    { skip },
    async (t) => {
      const url = await createDatabase(t, server);
      const [first, second] = ['a:1', 'b:1'].map((id) => createSqlStore(connectPatiently(t, url), id));
      assert.ok(first && second);
      t.after(() => Promise.all([first.close(), second.close()]));
      await first.open(new Listener(), GRACE);
      await first.transact({ product: 'nacos', name: 'serverlist' }, put);
      assert.equal((await first.sync(NOTHING)).scene.graceUntil, 0, 'there was no list when it started');
      const { hearing } = await second.open(new Listener(), GRACE);
      const { scene } = await first.sync(NOTHING);
      assert.ok(scene.graceUntil >= hearing + GRACE, `${scene.graceUntil} of ${hearing}`);
    },
  );
}
