import assert from 'node:assert/strict';
import { it } from 'node:test';
import { StoreOutcomeUnknown, StoreUnavailable } from '../../../src/registry/interfaces.js';
import { Cleanup } from '../../support/cleanup.js';
import { testDatabases } from '../../support/databases.js';
import { makePlace } from '../../support/place.js';
import { createSqlStore } from '../../support/replicas.js';
import { connectTo } from '../../support/sql.js';
import { bootstrapping, key, Listener } from '../contract.js';

const A = '127.0.0.11:8848';

/** What is cut, and whether the server can have made the change. */
const CUTS = [
  ['the answer to COMMIT does not come', /COMMIT(?!TED)/, 'silence', true],
  ['the connection breaks at COMMIT', /COMMIT(?!TED)/, 'cut', true],
  ['the connection breaks before that', /address_server_member/, 'cut', false],
] as const;

for (const server of testDatabases) {
  for (const [what, pattern, how, isUnknown] of CUTS) {
    it(
      `${server.name}: ${what}: the outcome is ${isUnknown ? '' : 'not '}unknown`,
      { skip: server.skip },
      async (t) => {
        const cleanup = new Cleanup(t);
        const place = await makePlace(cleanup, server);
        const store = createSqlStore(connectTo(t, place.url), 'a:1');
        cleanup.after(() => store.close());
        await store.open(new Listener());
        place.proxy.once(pattern, () => place.proxy[how]());
        await assert.rejects(store.transact(key, bootstrapping(A)), (error) => {
          assert.ok(error instanceof StoreUnavailable, String(error));
          assert.equal(error instanceof StoreOutcomeUnknown, isUnknown, error.message);
          return true;
        });
        await place.proxy.restore();
      },
    );
  }
}
