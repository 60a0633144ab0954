import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  lchownSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { makeEmpty, readWhole, writeWhole } from '../../src/agent/whole-file.js';
import { eventually } from '../support/eventually.js';
import { tempFolder } from '../support/temp.js';

/** Somebody else, who owns the folder that this process, as root, writes into. */
const NACOS = 1_234;

const asRoot = { skip: process.getuid?.() === 0 ? false : 'takes root, who alone could be fooled so' };

interface Folders {
  readonly conf: string;
  readonly file: string;
  /** A file of root's that nobody else may write. */
  readonly secret: string;
}

function folders(t: TestContext): Folders {
  const top = tempFolder(t);
  chmodSync(top, 0o755);
  const conf = join(top, 'conf');
  mkdirSync(conf);
  chownSync(conf, NACOS, NACOS);
  const etc = join(top, 'etc');
  mkdirSync(etc);
  const secret = join(etc, 'shadow');
  writeFileSync(secret, 'root:secret\n', { mode: 0o600 });
  return { conf, file: join(conf, 'cluster.conf'), secret };
}

function assertUntouched({ secret }: Folders): void {
  const { uid, gid, mode } = statSync(secret);
  assert.deepEqual([uid, gid, mode & 0o7777], [0, 0, 0o600]);
  assert.equal(readFileSync(secret, 'utf8'), 'root:secret\n');
}

/** Does what the folder's owner can do at any moment: puts a link in the place of a file that is being written. */
function swapWhileWriting(conf: string, target: string): { stop(): void; swaps(): number } {
  let swaps = 0;
  const met = new Set<string>();
  const watcher = watch(conf, (_, name) => {
    // Once each: its own doing is told it as well.
    if (name?.endsWith('.unfinished') !== true || met.has(name)) return;
    met.add(name);
    const path = join(conf, name);
    try {
      // Its owner's, as he makes it.
      symlinkSync(target, `${path}.link`);
      lchownSync(`${path}.link`, NACOS, NACOS);
      renameSync(path, `${path}.moved`);
      renameSync(`${path}.link`, path);
      swaps++;
    } catch {
      // It was gone already.
    }
  });
  return { stop: () => watcher.close(), swaps: () => swaps };
}

describe('a file that is written whole', () => {
  it('never gives another file away, whatever its folder’s owner does meanwhile', asRoot, async (t) => {
    const all = folders(t);
    const { conf, file, secret } = all;
    writeFileSync(file, 'old\n');
    chownSync(file, NACOS, NACOS);
    const swapping = swapWhileWriting(conf, secret);
    t.after(() => swapping.stop());
    const until = performance.now() + 120_000;
    // The moment is short: it takes some tries to meet it.
    for (let i = 0; i < 100 || swapping.swaps() === 0; i++) {
      assert.ok(performance.now() < until, 'the moment was never met');
      await writeWhole(file, `${i}\n`).catch(() => undefined);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assertUntouched(all);
  });

  it('keeps owner and mode, and takes no special bits over', asRoot, async (t) => {
    const { file } = folders(t);
    writeFileSync(file, 'old\n');
    chownSync(file, NACOS, NACOS + 1);
    chmodSync(file, 0o4640);
    await writeWhole(file, 'new\n');
    const { uid, gid, mode } = statSync(file);
    assert.deepEqual([uid, gid, mode & 0o7777], [NACOS, NACOS + 1, 0o640]);
  });

  for (const [whose, uid] of [
    ['root’s', 0],
    ['its folder’s owner’s', NACOS],
  ] as const) {
    it(`keeps a link of ${whose}, and says so to who watches the folder`, asRoot, async (t) => {
      const { conf, file } = folders(t);
      const target = join(conf, '..', 'elsewhere');
      mkdirSync(target);
      chownSync(target, NACOS, NACOS);
      const real = join(target, 'list');
      writeFileSync(real, 'old\n');
      chownSync(real, NACOS, NACOS);
      symlinkSync('../elsewhere/list', file);
      lchownSync(file, uid, uid);
      const seen: (string | null)[] = [];
      const watcher = watch(conf, (_, name) => seen.push(name));
      t.after(() => watcher.close());
      await writeWhole(file, 'new\n');
      assert.equal(readlinkSync(file), '../elsewhere/list');
      assert.equal(readFileSync(real, 'utf8'), 'new\n');
      assert.equal(statSync(real).uid, NACOS);
      assert.deepEqual([readdirSync(target), readdirSync(conf)], [['list'], ['cluster.conf']]);
      assert.equal(await readWhole(file), 'new\n');
      await eventually('Nacos would see it', () => seen.includes('cluster.conf'), 60_000);
    });
  }

  it('writes through a link that dangles', asRoot, async (t) => {
    const { conf, file } = folders(t);
    symlinkSync('other', file);
    lchownSync(file, NACOS, NACOS);
    await writeWhole(file, 'new\n');
    assert.equal(readFileSync(join(conf, 'other'), 'utf8'), 'new\n');
    assert.ok(lstatSync(file).isSymbolicLink());
  });

  it(
    'replaces a link that leads to what its maker may not write, and reads nothing through it',
    asRoot,
    async (t) => {
      const all = folders(t);
      const { conf, file, secret } = all;
      for (const target of [secret, join(conf, 'hop')]) {
        symlinkSync(secret, join(conf, 'hop'));
        lchownSync(join(conf, 'hop'), NACOS, NACOS);
        symlinkSync(target, file);
        lchownSync(file, NACOS, NACOS);
        assert.equal(await readWhole(file), undefined, 'nothing of it gets into the log');
        await writeWhole(file, 'new\n');
        assertUntouched(all);
        assert.equal(readFileSync(file, 'utf8'), 'new\n');
        for (const name of readdirSync(conf))
          renameSync(join(conf, name), join(conf, '..', `${name}-${target.length}`));
      }
    },
  );

  it('gives up links that lead in a circle', async (t) => {
    const folder = tempFolder(t);
    symlinkSync('b', join(folder, 'a'));
    symlinkSync('a', join(folder, 'b'));
    await assert.rejects(writeWhole(join(folder, 'a'), 'x\n'), /back to itself|ELOOP/);
  });
});

describe('an empty file', () => {
  it('is never made through a link, nor by emptying another file', asRoot, async (t) => {
    const all = folders(t);
    const ready = join(all.conf, 'ready');
    symlinkSync(all.secret, ready);
    await makeEmpty(ready);
    assertUntouched(all);
    assert.ok(existsSync(ready) && !lstatSync(ready).isSymbolicLink());
    assert.equal(readFileSync(ready, 'utf8'), '');
  });
});
