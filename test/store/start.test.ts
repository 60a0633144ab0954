import assert from 'node:assert/strict';
import SQLite from 'better-sqlite3';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { migrationsFolder } from '../../src/util/package-info.js';
import { StoreRefused } from '../../src/registry/interfaces.js';
import { SqliteDatabase } from '../../src/store/sqlite/database.js';
import { eventually } from '../support/eventually.js';
import { startServer } from '../support/server.js';
import { startCli } from '../support/process.js';
import { tempFolder } from '../support/temp.js';
import { TinyDisk } from '../support/tiny-disk.js';

const A = '127.0.0.11:8848';

function tinyDisk(t: TestContext): TinyDisk | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'address-server-'));
  const disk = TinyDisk.mount(folder);
  if (typeof disk === 'string') {
    t.skip(disk);
    return undefined;
  }
  t.after(() => {
    disk.unmount();
    rmSync(folder, { recursive: true, force: true });
  });
  return disk;
}

/** A server that had a list, on a disk of its own, and was stopped. */
async function storedList(t: TestContext, file: string): Promise<void> {
  const server = await startServer(t, { file });
  assert.equal((await fetch(`${server.url}/nacos/v1/as/nodes?ips=${A}`, { method: 'POST' })).status, 200);
  await server.stop();
}

function refusal(file: string): StoreRefused {
  try {
    new SqliteDatabase(file, migrationsFolder('sqlite')).close();
  } catch (error) {
    assert.ok(error instanceof StoreRefused, String(error));
    return error;
  }
  throw new Error('it was opened');
}

describe('a start', () => {
  it('on a full disk serves the stored list, and stores again when there is room', async (t) => {
    const disk = tinyDisk(t);
    if (!disk) return;
    const file = join(disk.folder, 'r.db');
    await storedList(t, file);
    disk.fill();
    const server = await startServer(t, { file });
    const answer = await fetch(`${server.url}/nacos/serverlist`);
    assert.deepEqual([answer.status, await answer.text()], [200, `${A}\n`]);
    const becomes = (status: string): Promise<unknown> =>
      eventually(
        `it is ${status}`,
        async () => {
          // Where no time has passed, there is nothing to write.
          await server.pass(1_000);
          await server.service.sync();
          const ready = await fetch(`${server.url}/readyz`);
          assert.equal(ready.status, 200);
          return ((await ready.json()) as { status: string }).status === status;
        },
        60_000,
      );
    await becomes('degraded');
    disk.makeRoom();
    await becomes('up');
    await server.stop();
  });

  it('without room for a new file, on a read-only disk, or with a lock held may pass', async (t) => {
    const disk = tinyDisk(t);
    if (!disk) return;
    const file = join(disk.folder, 'r.db');
    await storedList(t, file);
    disk.fill();
    const full = refusal(join(disk.folder, 'new.db'));
    assert.match(full.message, /the disk .* is full; make room/);
    assert.equal(full.mayPass, true);
    disk.makeRoom();
    disk.makeReadOnly();
    const readOnly = refusal(file);
    assert.match(readOnly.message, /file system .* read-only/);
    assert.equal(readOnly.mayPass, true);
    disk.makeWritable();
    const other = new SqliteDatabase(file, migrationsFolder('sqlite'));
    const locked = refusal(file);
    other.close();
    assert.match(locked.message, /locked by another process/);
    assert.equal(locked.mayPass, true);
  });

  it('with what somebody must mend does not', (t) => {
    const folder = tempFolder(t);
    const missing = refusal(join(folder, 'none', 'r.db'));
    assert.match(missing.message, /does not exist/);
    const file = join(folder, 'theirs.db');
    const theirs = new SQLite(file);
    theirs.exec('CREATE TABLE somebody (name TEXT)');
    theirs.close();
    const foreign = refusal(file);
    assert.deepEqual([missing.mayPass, foreign.mayPass], [false, false]);
  });

  it('ends with status 75 for what may pass, which a unit starts again, and 78 for the rest', async (t) => {
    const disk = tinyDisk(t);
    if (!disk) return;
    const run = async (file: string): Promise<number | string> => {
      const args = ['serve', '--port', '0', '--host', '127.0.0.1', '--database-url', `sqlite:${file}`];
      return startCli(t, args).exited;
    };
    disk.fill();
    assert.equal(await run(join(disk.folder, 'new.db')), 75);
    assert.equal(await run(join(disk.folder, 'none', 'r.db')), 78);
  });
});
