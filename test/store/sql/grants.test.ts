import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, it, type TestContext } from 'node:test';
import { migrationsFolder } from '../../../src/util/package-info.js';
import { readMigrations } from '../../../src/store/migrate.js';
import type { Database } from '../../../src/store/sql/client/database.js';
import { checkSchema, migrate } from '../../../src/store/sql/migrator.js';
import { SqlStore } from '../../../src/store/sql/sql-store.js';
import { Cleanup } from '../../support/cleanup.js';
import { connectAdmin, createDatabase, testDatabases, type TestServer } from '../../support/databases.js';
import { connectPatiently } from '../../support/sql.js';
import { bootstrapping, key, Listener, REPORT } from '../contract.js';

/** Every grant of the documentation, executed as it stands there but for the names and the passwords. */

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const GUIDE = 'docs/databases.md';
const CHINESE = 'docs/databases.zh-CN.md';

/** The blocks of a document that give rights, of a language of the fence's. */
function blocks(file: string, language: 'sh' | 'sql'): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter(([, fence, block = '']) => fence === language && block.includes('GRANT'))
    .map(([, , block = '']) => block);
}

/** Files with a user that has a database of its own in MySQL. */
const MANIFESTS = ['deploy/docker-compose.yaml', 'deploy/kubernetes/base/address-server.env'];

/** The statements about the user in one of them. */
function statementsInManifest(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(/^[# ]*((?:CREATE USER|GRANT) .*);$/gm)].map(([, statement = '']) => statement);
}

/** The statements that a block of shell commands runs with mysql. */
function statementsOf(shell: string): string[] {
  const script = `set -eu\nmysql() { [ "$1" = -e ] && printf '%s\\n' "$2"; }\n${shell}`;
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\n').filter(Boolean);
}

/** The same of a block of SQL. */
function statementsIn(block: string): string[] {
  return block
    .replace(/--.*$/gm, '')
    .split(';')
    .map((each) => each.trim())
    .filter(Boolean);
}

describe('the grants of the documentation', () => {
  it('are the same in both languages', () => {
    const bare = (file: string, language: 'sh' | 'sql') =>
      blocks(file, language).map((block) => block.replace(/ *--.*$/gm, ''));
    for (const language of ['sh', 'sql'] as const) {
      assert.deepEqual(bare(CHINESE, language), bare(GUIDE, language));
    }
    assert.deepEqual([blocks(GUIDE, 'sh').length, blocks(GUIDE, 'sql').length], [3, 2]);
  });

  it('are in no other file than those that are tried here', () => {
    const others = ['docs', 'deploy', 'plugins', 'src'].flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(ROOT, join(entry.parentPath, entry.name))),
    );
    const granting = others.filter((file) =>
      /GRANT .* ON .* TO/.test(readFileSync(join(ROOT, file), 'utf8')),
    );
    assert.deepEqual(granting.sort(), [...MANIFESTS, GUIDE, CHINESE].sort());
  });
});

/** What is in the database before the newest version comes. */
interface Before {
  readonly name: string;
  /** As the user that may change the schema makes it. */
  readonly make: (schemaUser: Database) => Promise<unknown>;
}

function befores(server: TestServer): Before[] {
  const own = readMigrations(migrationsFolder(server.dialect));
  const older = own.slice(0, -1).map(({ version }): Before => {
    return {
      name: `schema version ${version}`,
      make: (database) => migrate(database, own.slice(0, version)),
    };
  });
  const broken = own.slice(0, -1).map(({ version }): Before => {
    const next = own[version]!.statements[0]!;
    return {
      name: `schema version ${version}, from which a migration was interrupted`,
      make: async (database) => {
        await migrate(database, own.slice(0, version));
        await database.exclusively((session) => session.run({ sql: next, parameters: [] }));
      },
    };
  });
  return [{ name: 'an empty database', make: () => Promise.resolve() }, ...older, ...broken];
}

for (const server of testDatabases) {
  const { name: serverName, dialect, skip } = server;
  const isMysql = dialect === 'mysql';
  const own = readMigrations(migrationsFolder(dialect));

  describe(`the documented rights on ${serverName} suffice`, { skip }, () => {
    /** A database with a table of Nacos's, and users of the test's own in the place of the documentation's. */
    const setUp = async (t: TestContext) => {
      const cleanup = new Cleanup(t);
      const suffix = randomBytes(4).toString('hex');
      const names = { address_server: `as_${suffix}`, address_migrator: `am_${suffix}` };
      const made = new Set<string>();
      // After the database, in which they own tables.
      cleanup.after(async () => {
        const last = await connectAdmin(server);
        for (const one of made) await last.run(isMysql ? `DROP USER '${one}'@'%'` : `DROP ROLE ${one}`);
        await last.close();
      });
      const url = await createDatabase(cleanup, server);
      const database = new URL(url).pathname.slice(1);
      const admin = await connectAdmin(server, database);
      cleanup.after(() => admin.close());
      await admin.run('CREATE TABLE config_info (id INT PRIMARY KEY)');
      const run = async (statements: readonly string[]): Promise<void> => {
        for (const text of statements) {
          const sql = text
            .replaceAll('nacos_config', database)
            .replaceAll('address_server.*', `${database}.*`)
            .replace(/\baddress_server\b/g, names.address_server)
            .replace(/\baddress_migrator\b/g, names.address_migrator)
            // That of each is its name.
            .replace(/(IDENTIFIED BY|PASSWORD) '[\w-]+'/, (_, clause: string) => {
              const one = text.includes('address_migrator') ? names.address_migrator : names.address_server;
              made.add(one);
              return `${clause} '${one}'`;
            });
          await admin.run(sql);
        }
      };
      const as = (user: keyof typeof names): Database => {
        const other = new URL(url);
        other.username = other.password = names[user];
        return connectPatiently(cleanup, other.href);
      };
      return { run, as };
    };

    /** What a server does with each of its tables. */
    const serve = async (
      database: Database,
      prepare: (one: Database) => Promise<unknown>,
      { mayReadAll = false } = {},
    ): Promise<void> => {
      const store = new SqlStore({
        database,
        replica: 'a:1',
        prepare: async (one) => {
          await prepare(one);
        },
      });
      await store.open(new Listener());
      await store.transact(key, bootstrapping('127.0.0.1:8848'));
      await store.transact(key, (cluster) => ({
        cluster: { ...cluster, members: new Map(), revision: cluster.revision + 1 },
        events: [],
        reply: { type: 'done' },
      }));
      await store.sync(REPORT);
      assert.ok((await store.events({ limit: 9 })).length > 0);
      if (!mayReadAll) {
        await assert.rejects(database.run({ sql: 'SELECT * FROM config_info', parameters: [] }), {
          kind: 'misconfigured',
        });
      }
      await store.close();
    };

    for (const before of befores(server)) {
      it(`for one user, from ${before.name}`, async (t) => {
        const { run, as } = await setUp(t);
        await run(isMysql ? statementsOf(blocks(GUIDE, 'sh')[0]!) : statementsIn(blocks(GUIDE, 'sql')[0]!));
        await before.make(as('address_server'));
        await serve(as('address_server'), (database) => migrate(database, own));
      });

      for (const file of isMysql ? MANIFESTS : []) {
        it(`for the user in ${file}, from ${before.name}`, async (t) => {
          const { run, as } = await setUp(t);
          const statements = statementsInManifest(file);
          assert.equal(statements.length, 2);
          await run(statements);
          await before.make(as('address_server'));
          await serve(as('address_server'), (database) => migrate(database, own), { mayReadAll: true });
        });
      }

      it(`for two users, from ${before.name}`, async (t) => {
        const { run, as } = await setUp(t);
        await run(isMysql ? statementsOf(blocks(GUIDE, 'sh')[1]!) : statementsIn(blocks(GUIDE, 'sql')[1]!));
        await before.make(as('address_migrator'));
        await migrate(as('address_migrator'), own);
        if (isMysql) await run(statementsOf(blocks(GUIDE, 'sh')[2]!));
        await serve(as('address_server'), (database) => checkSchema(database, own));
        await assert.rejects(
          as('address_server').run({
            sql: 'ALTER TABLE address_server_clock ADD COLUMN other INT',
            parameters: [],
          }),
          { kind: 'misconfigured' },
        );
      });
    }
  });
}
