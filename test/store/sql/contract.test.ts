import { it } from 'node:test';
import { createDatabase, testDatabases } from '../../support/databases.js';
import { createSqlStore } from '../../support/replicas.js';
import { connectPatiently } from '../../support/sql.js';
import { storeContract } from '../contract.js';

for (const server of testDatabases) {
  const { name, skip } = server;
  if (skip !== false) {
    it(`${name} keeps the store's contract`, { skip }, () => undefined);
    continue;
  }
  storeContract(name, (t) => {
    let made: Promise<string> | undefined;
    return async () => {
      made ??= createDatabase(t, server);
      return createSqlStore(connectPatiently(t, await made), 'a:1');
    };
  });
}
