import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { ConfFile, type NodeList } from '../../src/agent/conf-file.js';
import { LastList } from '../../src/agent/last-list.js';
import { readConf } from '../../src/agent/member-list.js';
import { TinyDisk } from '../support/tiny-disk.js';
import { eventually } from '../support/eventually.js';
import { recordingLog } from '../support/log.js';
import { tempFolder } from '../support/temp.js';

const A = '10.0.0.1:8848';
const B = '10.0.0.2:8848';
const C = '10.0.0.3:8848';

const list = (revision: number, ...addresses: string[]): NodeList => ({ revision, addresses });

interface Bench {
  readonly conf: ConfFile;
  readonly file: string;
  readonly folder: string;
  /** The addresses in the file. */
  read(): readonly string[];
  /** What was logged, as sentences. */
  said(): string[];
}

async function start(t: TestContext, folder = tempFolder(t), nacosWrites?: number): Promise<Bench> {
  const file = join(folder, 'cluster.conf');
  const { log, lines } = recordingLog();
  const conf = new ConfFile(file, 'nacos/serverlist', log, nacosWrites);
  await conf.start();
  t.after(() => conf.stop());
  const read = (): readonly string[] => {
    const text = readConf(readFileSync(file, 'utf8'));
    assert.ok(text.ok, 'it is valid');
    return text.value;
  };
  return { conf, file, folder, read, said: () => lines().map(({ msg }) => String(msg)) };
}

function tinyDisk(t: TestContext): TinyDisk | string {
  const folder = mkdtempSync(join(tmpdir(), 'address-server-'));
  const disk = TinyDisk.mount(folder);
  t.after(() => {
    if (typeof disk !== 'string') disk.unmount();
    rmSync(folder, { recursive: true, force: true });
  });
  return disk;
}

describe('cluster.conf that cannot be written', () => {
  for (const [what, prepare, sentence, heal] of [
    [
      'is a folder, as Docker makes it for a missing bind mount',
      (file: string) => mkdirSync(file),
      /: it is a folder: Docker creates one when a bind mount names a file that does not exist; remove it/,
      (file: string) => rmSync(file, { recursive: true }),
    ],
    [
      'is a folder with something in it',
      (file: string) => mkdirSync(join(file, 'x'), { recursive: true }),
      /: it is a folder/,
      (file: string) => rmSync(file, { recursive: true }),
    ],
    [
      'has no folder',
      (file: string) => rmSync(dirname(file), { recursive: true }),
      /: its folder does not exist; create it/,
      (file: string) => mkdirSync(dirname(file)),
    ],
    [
      'has a file where its folder should be',
      (file: string) => {
        rmSync(dirname(file), { recursive: true });
        writeFileSync(dirname(file), '');
      },
      /: a file is in the place of its folder; remove that/,
      (file: string) => {
        rmSync(dirname(file));
        mkdirSync(dirname(file));
      },
    ],
  ] as const) {
    it(`${what}: one error, however often it is tried, and written when that is put right`, async (t) => {
      const folder = join(tempFolder(t), 'conf');
      mkdirSync(folder);
      prepare(join(folder, 'cluster.conf'));
      const { conf, file, read, said } = await start(t, folder);
      for (let i = 0; i < 5; i++) assert.equal(await conf.put(list(i, A)), false);
      const errors = said().filter((sentence) => sentence.includes('could not be written'));
      assert.equal(errors.length, 1, errors.join('\n'));
      assert.match(errors[0]!, sentence);
      heal(file);
      assert.equal(await conf.put(list(6, A)), true);
      assert.deepEqual(read(), [A]);
    });
  }

  const isRoot = process.getuid?.() === 0;
  it('is in a folder of another user: one error', { skip: isRoot ? false : 'needs root' }, async (t) => {
    const folder = join(tempFolder(t), 'conf');
    mkdirSync(folder, { mode: 0o755 });
    // The rights of this process itself, for as long as the file is tried.
    const { conf, said } = await start(t, folder);
    chmodSync(dirname(folder), 0o755);
    process.seteuid?.(65_534);
    try {
      for (let i = 0; i < 3; i++) assert.equal(await conf.put(list(i, A)), false);
    } finally {
      process.seteuid?.(0);
    }
    const errors = said().filter((sentence) => sentence.includes('could not be written'));
    assert.equal(errors.length, 1, errors.join('\n'));
    assert.match(errors[0]!, /this user cannot write to its folder/);
  });
});

describe('cluster.conf', () => {
  it('is written whole, says who wrote it, and nothing is left beside it', async (t) => {
    const { conf, file, folder } = await start(t);
    assert.equal(await conf.put(list(7, A, B)), true);
    assert.equal(
      readFileSync(file, 'utf8'),
      '# Written by nacos-address-server agent: revision 7 of nacos/serverlist. Changes made here are undone.\n' +
        `${A}\n${B}\n`,
    );
    assert.deepEqual(readdirSync(folder), ['cluster.conf']);
    assert.equal(statSync(file).mode & 0o777, 0o644);
  });

  it('is never named cluster.conf while it is being written', async (t) => {
    const { conf, folder } = await start(t);
    const seen = new Set<string>();
    let done = false;
    const watching = (async () => {
      while (!done) {
        for (const name of readdirSync(folder)) seen.add(name);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    for (let i = 1; i <= 60; i++) await conf.put(list(i, A, i % 2 ? B : C));
    done = true;
    await watching;
    const others = [...seen].filter((name) => name !== 'cluster.conf');
    assert.ok(others.length > 0, 'something was seen');
    assert.ok(
      others.every((name) => !name.includes('cluster.conf')),
      others.join(' '),
    );
  });

  it('stays as it is when it means the same: Nacos writes it in its own words', async (t) => {
    const { conf, file } = await start(t);
    await conf.put(list(1, A, B));
    const nacos = `#2026-11-24T10:00:00\n${B}\n${A}\n`;
    writeFileSync(file, nacos);
    await conf.put(list(2, A, B));
    assert.equal(readFileSync(file, 'utf8'), nacos);
  });

  it('is put right when somebody changes, empties, spoils or removes it', async (t) => {
    const { conf, file, said } = await start(t, undefined, 0);
    await conf.put(list(1, A, B));
    for (const change of [
      () => writeFileSync(file, `${A}\n`),
      () => writeFileSync(file, ''),
      () => writeFileSync(file, 'http://what\n'),
      () => rmSync(file),
    ]) {
      change();
      await eventually(
        'it is put right',
        () => existsSync(file) && readFileSync(file, 'utf8').endsWith(`${A}\n${B}\n`),
      );
    }
    assert.deepEqual(said(), [`another program changed the file, and the agent restored it: it lacked ${B}`]);
  });

  it('says that Nacos calls itself otherwise, when Nacos has added that to the list', async (t) => {
    const { conf, file, read, said } = await start(t, undefined, 0);
    await conf.put(list(1, A, B));
    writeFileSync(file, `#2026-11-24T10:00:00.123\n${A}\n${B}\n${C}\n`);
    await eventually('it is put right', () => read().length === 2);
    await eventually('it is said', () => said().length > 0);
    assert.match(
      said()[0] ?? '',
      new RegExp(`^Nacos added ${C} to the file.*or set AGENT_SELF=${C}; then restart`),
    );
    const people = await start(t, undefined, 0);
    await people.conf.put(list(1, A, B));
    writeFileSync(people.file, `${A}\n${B}\n${C}\n`);
    await eventually('it is said', () => people.said().length > 0);
    assert.match(people.said()[0] ?? '', new RegExp(`another program changed the file.*it had ${C}$`));
  });

  it('is put right without a word just after a new list, when Nacos writes it too', async (t) => {
    const { conf, file, read, said } = await start(t);
    await conf.put(list(1, A, B));
    writeFileSync(file, '');
    await eventually('it is put right', () => read().length === 2);
    assert.deepEqual(said(), []);
  });

  it('keeps its owner and mode', async (t) => {
    const { conf, file } = await start(t);
    writeFileSync(file, `${A}\n`);
    chmodSync(file, 0o640);
    chownSync(file, 1234, 1235);
    await conf.put(list(1, A, B));
    const { uid, gid, mode } = statSync(file);
    assert.deepEqual([uid, gid, mode & 0o777], [1234, 1235, 0o640]);
  });

  it('loses what a killed agent left unfinished, and nothing else', async (t) => {
    const folder = tempFolder(t);
    const names = ['.address-server-99-1.unfinished', 'application.properties', 'x.unfinished'];
    for (const name of names) writeFileSync(join(folder, name), 'x');
    await start(t, folder);
    assert.deepEqual(readdirSync(folder).sort(), ['application.properties', 'x.unfinished']);
  });

  it('stays whole on a full disk, which is said, and is right when there is room', async (t) => {
    const disk = tinyDisk(t);
    if (typeof disk === 'string') return t.skip(disk);
    const { conf, file, read, said } = await start(t, disk.folder);
    await conf.put(list(1, A, B));
    disk.fill();
    const many = Array.from({ length: 500 }, (_, i) => `10.9.${i >> 8}.${i & 255}:8848`);
    const kept = new LastList(join(disk.folder, 'last.list'), 'nacos/serverlist', A);
    assert.equal(await conf.put(list(2, A, ...many)), false);
    assert.equal(await kept.keep(list(2, A, ...many), new Date()), 'the disk is full; make room');
    assert.equal(conf.problem, 'the disk is full; make room');
    assert.deepEqual(read(), [A, B]);
    assert.deepEqual(readdirSync(disk.folder).sort(), ['ballast', 'cluster.conf']);
    disk.makeRoom();
    await eventually('it is right', () => read().length === 501 && conf.problem === undefined);
    assert.deepEqual(said(), [
      'the file could not be written, and is what it was before: the disk is full; make room',
      'the file can be written again',
    ]);
    assert.equal(statSync(file).mode & 0o777, 0o644);
  });

  it('stays whole in a folder that cannot be written', async (t) => {
    const disk = tinyDisk(t);
    if (typeof disk === 'string') return t.skip(disk);
    const { conf, read, said } = await start(t, disk.folder);
    await conf.put(list(1, A, B));
    disk.makeReadOnly();
    assert.equal(await conf.put(list(2, A, C)), false);
    assert.deepEqual(read(), [A, B]);
    assert.match(said()[0] ?? '', /is what it was before: the file system is read-only; mount a folder/);
    disk.makeWritable();
    await eventually('it is right', () => read().join() === `${A},${C}`);
  });

  it('says what to do when its folder is not there', async (t) => {
    const folder = join(tempFolder(t), 'conf');
    const { conf, said } = await start(t, folder);
    assert.equal(await conf.put(list(1, A)), false);
    assert.match(said().at(-1) ?? '', /its folder does not exist; create it, or name another file/);
    mkdirSync(folder);
    await eventually('it is written', () => existsSync(join(folder, 'cluster.conf')));
  });

  it('is whole whenever it is read, while another writes it too, 200 times', async (t) => {
    const { conf, file, read } = await start(t);
    await conf.put(list(0, A, B, C));
    // As Nacos writes: it truncates the file and then fills it (2.5.1 EnvUtil.writeClusterConf).
    const writer = spawn(process.execPath, [
      '-e',
      `const fs = require('fs');
       const write = () => { fs.writeFileSync(${JSON.stringify(file)}, '#Nacos\\n${A}\\n${B}\\n'); setTimeout(write, Math.random() * 3); };
       write();`,
    ]);
    t.after(() => writer.kill('SIGKILL'));
    const seen = new Map<string, number>();
    for (let i = 1; i <= 200; i++) {
      const addresses = i % 2 ? [A, C] : [A, B, C];
      await conf.put(list(i, ...addresses));
      const found = readConf(readFileSync(file, 'utf8'));
      assert.ok(found.ok, 'it is valid');
      const what = found.value.length === 0 ? 'truncated by the other' : found.value.join();
      seen.set(what, (seen.get(what) ?? 0) + 1);
    }
    t.diagnostic(JSON.stringify([...seen]));
    const whole = ['truncated by the other', [A, B], [A, C], [A, B, C]].map(String);
    assert.ok(
      [...seen.keys()].every((what) => whole.includes(what)),
      [...seen.keys()].join(' | '),
    );
    writer.kill('SIGKILL');
    await eventually('it is right in the end', () => read().join() === [A, B, C].join());
  });
});

describe('the last list', () => {
  const keptBy = (file: string, cluster = 'nacos/serverlist', self = A): LastList =>
    new LastList(file, cluster, self);

  it('is read again, with the time when it was the newest', async (t) => {
    const file = join(tempFolder(t), 'last.list');
    assert.equal(await keptBy(file).keep(list(3, A, B), new Date('2026-11-24T10:00:00Z')), undefined);
    assert.deepEqual(await keptBy(file).read(), {
      ok: true,
      value: { revision: 3, addresses: [A, B], writtenAt: '2026-11-24T10:00:00.000Z' },
    });
  });

  it('is not used when it is not this node’s', async (t) => {
    const file = join(tempFolder(t), 'last.list');
    const problem = async (one: LastList): Promise<string> => {
      const read = await one.read();
      return read.ok ? '' : read.problem;
    };
    assert.match(await problem(keptBy(file)), /is not there: no list was ever received here$/);
    await keptBy(file).keep(list(3, A, B), new Date());
    assert.match(await problem(keptBy(file, 'nacos/other')), /is of another cluster, nacos\/serverlist$/);
    assert.match(await problem(keptBy(file, undefined, B)), /is of another node, 10\.0\.0\.1:8848$/);
    for (const text of ['', '{', '{}', readFileSync(file, 'utf8').replace(B, 'b:99999')]) {
      writeFileSync(file, text);
      assert.match(await problem(keptBy(file)), /is damaged$/, text);
    }
    await keptBy(file).keep(list(4, B), new Date());
    assert.match(await problem(keptBy(file)), /lacks this node$/);
  });
});
