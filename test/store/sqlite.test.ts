import SQLite from 'better-sqlite3';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { migrationsFolder } from '../../src/util/package-info.js';
import { StoreRefused } from '../../src/registry/interfaces.js';
import { SqliteStore } from '../../src/store/sqlite/sqlite-store.js';
import { Listener, ManualClock, REPORT, storeContract } from './contract.js';
import { tempFolder } from '../support/temp.js';

function storeOn(file: string, clock = new ManualClock()): SqliteStore {
  return new SqliteStore({ file, migrations: migrationsFolder('sqlite'), clock });
}

storeContract('SQLite', (t, clock) => {
  const file = join(tempFolder(t), 'registry.db');
  return () => storeOn(file, clock);
});

async function listening(store: SqliteStore): Promise<Listener> {
  const listener = new Listener();
  await store.open(listener);
  return listener;
}

it('SQLite never takes the lease clock back', async (t) => {
  const file = join(tempFolder(t), 'registry.db');
  const store = storeOn(file);
  await listening(store);
  await store.sync({ ...REPORT, hearing: 5_000_000 });
  await store.sync({ ...REPORT, hearing: 4_000_000 });
  await store.close();
  const again = storeOn(file);
  t.after(() => again.close());
  assert.equal((await again.open(new Listener())).hearing, 5_000_000);
});

/** Opens a store that must not start; returns its sentence. */
async function refusal(t: TestContext, file: string): Promise<string> {
  const store = storeOn(file);
  t.after(() => store.close());
  const error = await store.open(new Listener()).then(
    () => assert.fail('the store opened'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof StoreRefused, String(error));
  assert.ok(error.message.includes(file) || error.message.includes(join(file, '..')), error.message);
  return error.message;
}

describe('a SQLite file that must not be used', () => {
  it('in a folder that is missing', async (t) => {
    const folder = join(tempFolder(t), 'missing');
    assert.match(await refusal(t, join(folder, 'r.db')), /folder .*missing does not exist/);
    assert.equal(existsSync(folder), false);
  });

  it('that is a folder', async (t) => {
    const file = join(tempFolder(t), 'r.db');
    mkdirSync(file);
    assert.match(await refusal(t, file), /is a folder/);
  });

  it('that is no database', async (t) => {
    const file = join(tempFolder(t), 'r.db');
    const text = 'these are the notes of somebody else\n'.repeat(100);
    writeFileSync(file, text);
    assert.match(await refusal(t, file), /damaged or not an SQLite database/);
    assert.equal(readFileSync(file, 'utf8'), text, 'it was not touched');
  });

  it('that is damaged', async (t) => {
    const file = join(tempFolder(t), 'r.db');
    const store = storeOn(file);
    await store.open(new Listener());
    await store.close();
    const bytes = readFileSync(file);
    bytes.fill(0xff, 4_096 + 100, bytes.length - 100);
    writeFileSync(file, bytes);
    assert.match(await refusal(t, file), /damaged/);
    assert.deepEqual(readFileSync(file), bytes, 'it was not touched');
  });

  it('of another program', async (t) => {
    const file = join(tempFolder(t), 'r.db');
    const other = new SQLite(file);
    other.exec('CREATE TABLE somebody (name TEXT)');
    other.close();
    assert.match(await refusal(t, file), /belongs to another program/);
  });

  it('of a newer version', async (t) => {
    const file = join(tempFolder(t), 'r.db');
    const store = storeOn(file);
    await store.open(new Listener());
    await store.close();
    const db = new SQLite(file);
    db.pragma('user_version = 999');
    db.close();
    assert.match(await refusal(t, file), /schema version 999.*newer version/);
  });

  it('that another server has open', async (t) => {
    const file = join(tempFolder(t), 'r.db');
    const first = storeOn(file);
    t.after(() => first.close());
    await first.open(new Listener());
    assert.match(await refusal(t, file), /locked by another process/);
  });

  it('that is read-only', (t) => {
    const folder = tempFolder(t);
    const file = join(folder, 'r.db');
    new SQLite(file).close();
    writeFileSync(file, '');
    chmodSync(file, 0o444);
    // root may write everything, so the store runs as somebody else in a process of its own
    const script = `
      const { SqliteStore } = await import(${JSON.stringify(new URL('../../src/store/sqlite/sqlite-store.js', import.meta.url))});
      process.setgroups?.([65534]); process.setgid?.(65534); process.setuid?.(65534);
      const clock = { hearing: () => 0, wall: () => 0 };
      const store = new SqliteStore({ file: ${JSON.stringify(file)}, migrations: ${JSON.stringify(migrationsFolder('sqlite'))}, clock });
      await store.open({ changed: () => undefined, unsure: () => undefined }).then(() => console.log('opened'), (error) => console.log(error.name, error.message));
      await store.close();`;
    if (process.getuid?.() !== 0) return t.skip('needs root, to become somebody without rights');
    chmodSync(folder, 0o755);
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
    assert.match(output, /^StoreRefused .*cannot be (written|opened)/, output);
    assert.equal(readFileSync(file, 'utf8'), '');
  });
});

describe('a full disk', () => {
  it('is an outage that ends when there is room, and loses nothing', async (t) => {
    const disk = mkdtempSync(join(tmpdir(), 'address-server-disk-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk], { stdio: 'pipe' });
    } catch {
      rmSync(disk, { recursive: true });
      return t.skip('mounting a tmpfs is not allowed here');
    }
    const file = join(disk, 'r.db');
    const store = storeOn(file);
    t.after(async () => {
      await store.close();
      execFileSync('umount', [disk]);
      rmSync(disk, { recursive: true });
    });
    await store.open(new Listener());
    const { bootstrapping, key } = await import('./contract.js');
    await store.transact(key, bootstrapping('127.0.0.1:8848'));
    // Everything that is left of the disk, also of the room that SQLite's files have already.
    const ballast = join(disk, 'ballast');
    try {
      execFileSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4096'], { stdio: 'pipe' });
    } catch {
      // dd ends with "no space left", as it should
    }
    const failed = await fillUntilFailure(store);
    assert.match(failed, /full/);
    execFileSync('rm', [ballast]);
    await store.transact({ ...key, name: 'after' }, bootstrapping('127.0.0.2:8848'));
    await store.close();
    const again = storeOn(file);
    const { all: clusters } = await listening(again);
    await again.close();
    assert.ok(clusters.some(({ name }) => name === key.name));
    assert.ok(clusters.some(({ name }) => name === 'after'));
  });
});

it('tells events that were stored before the first release by their present names', async (t) => {
  const file = join(tempFolder(t), 'r.db');
  const { bootstrapping, key } = await import('./contract.js');
  const first = storeOn(file);
  await first.open(new Listener());
  await first.transact(key, bootstrapping('127.0.0.1:8848'));
  await first.close();
  const types = ['founded', 'refounded', 'preserved', 'ailing', 'released', 'evicted'];
  const db = new SQLite(file);
  const add = db.prepare(
    "INSERT INTO address_server_event (time_ms, product, name, type, revision, reason) VALUES (1, 'old', 'one', ?, 1, 'x')",
  );
  for (const type of types) add.run(type);
  db.close();
  const store = storeOn(file);
  t.after(() => store.close());
  await store.open(new Listener());
  const told = await store.events({ cluster: { product: 'old', name: 'one' }, after: 0, limit: 10 });
  assert.deepEqual(
    told.map(({ type }) => type),
    ['bootstrapped', 'rebootstrapped', 'quorum-lost', 'unhealthy', 'adopted', 'evicted'],
  );
});

async function fillUntilFailure(store: SqliteStore): Promise<string> {
  const { bootstrapping } = await import('./contract.js');
  for (let i = 0; i < 5_000; i++) {
    try {
      await store.transact(
        { product: 'fill', name: `c${i}` },
        bootstrapping(`127.1.${i >> 8}.${i & 255}:8848`),
      );
    } catch (error) {
      return (error as Error).message;
    }
  }
  return 'never';
}

describe('migrations', () => {
  it('of the package are there', () => {
    const folder = fileURLToPath(new URL('../../../migrations/sqlite', import.meta.url));
    assert.equal(migrationsFolder('sqlite'), folder);
    assert.ok(existsSync(join(folder, '0001_registry.sql')));
  });
});
