import { it } from 'node:test';
import { createDatabase, testDatabases } from '../../support/databases.js';
import { createSqlStore } from '../../support/replicas.js';
import { connectTo } from '../../support/sql.js';
import { storeContract } from '../contract.js';

for (const { dialect, skip } of testDatabases) {
  if (skip !== false) {
    it(`${dialect} keeps the store's contract`, { skip }, () => undefined);
    continue;
  }
  storeContract(dialect, (t) => {
    let made: Promise<string> | undefined;
    return async () => {
      made ??= createDatabase(t, dialect);
      return createSqlStore(connectTo(t, await made), 'a:1');
    };
  });
}
