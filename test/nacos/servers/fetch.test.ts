import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { missingServer } from './installed.js';
import { flawIn, jarFolder } from './jars.js';

/* What the scripts say when something is missing; none of these tests starts a server or asks the network. */

const FETCH = fileURLToPath(new URL('./fetch.js', import.meta.url));
/** Brings a version's jars, and does not start it. */
const FETCH_JARS = `import { fetchJars } from '${new URL('./fetch-jars.js', import.meta.url).href}';
  await fetchJars('1.4.1', (text) => console.log(text));`;
const START = fileURLToPath(new URL('./start.js', import.meta.url));

interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a script with this environment alone. */
function run(script: string, args: readonly string[], env: Record<string, string>): Promise<Ran> {
  return new Promise((resolve) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
      env,
      encoding: 'utf8',
    });
    resolve({ status, out: stdout, err: stderr });
  });
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'address-server-fetch-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A folder for the PATH with programs that print this and end so. */
function programs(t: TestContext, scripts: Readonly<Record<string, string>>): string {
  const path = folder(t);
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(path, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(path, name), 0o755);
  }
  return path;
}

const JAVA_17 = 'echo \'openjdk version "17.0.15" 2025-04-15\' >&2';

test('without Java: says so, and what to do', async (t) => {
  const { status, err } = await run(FETCH, [], { PATH: folder(t), NACOS_CACHE: folder(t) });
  assert.equal(status, 1);
  assert.match(err, /java is not on the PATH: install Java 17 or later/);
});

test('with an older Java: says which', async (t) => {
  const PATH = programs(t, { java: 'echo \'openjdk version "1.8.0_392"\' >&2' });
  const { status, err } = await run(FETCH, [], { PATH, NACOS_CACHE: folder(t) });
  assert.equal(status, 1);
  assert.match(err, /java is Java 8: install Java 17 or later/);
});

test('with a JAVA_HOME that is none: says which', async (t) => {
  const home = folder(t);
  const { status, err } = await run(FETCH, [], { PATH: '', JAVA_HOME: home, NACOS_CACHE: folder(t) });
  assert.equal(status, 1);
  assert.ok(err.includes(`${home}/bin/java (JAVA_HOME) cannot be run: install Java 17`), err);
});

test('without Maven: says so, and keeps nothing', async (t) => {
  const cache = folder(t);
  const { status, err } = await run(FETCH, [], { PATH: programs(t, { java: JAVA_17 }), NACOS_CACHE: cache });
  assert.equal(status, 1);
  assert.match(err, /mvn is not on the PATH: install Maven/);
  assert.deepEqual(readdirSync(cache), []);
});

test('Maven fails, as it does without a network: repeats its reason, and keeps nothing', async (t) => {
  const cache = folder(t);
  const reason = '[ERROR] Could not transfer artifact a:b:pom:1: Unknown host';
  const said = `${reason} -> [Help 1]\\n[ERROR] \\n[ERROR] Re-run Maven with -X`;
  const PATH = programs(t, { java: JAVA_17, mvn: `printf '${said}\\n'; exit 1` });
  const { status, err } = await run(FETCH, [], { PATH, NACOS_CACHE: cache });
  assert.equal(status, 1);
  assert.match(err, /Maven could not fetch Nacos 2\.3\.2\. It needs Maven Central, or a mirror/);
  assert.ok(err.endsWith(`It says:\n${reason}\n`), err);
  assert.deepEqual(readdirSync(cache), []);
});

test('Maven brings other jars than those that were looked at: names one, and keeps nothing', async (t) => {
  const cache = folder(t);
  // What Maven is told last is where to.
  const mvn =
    'for last; do :; done; mkdir -p "${last#*=}"; /bin/echo no jar >"${last#*=}/nacos-core-2.3.2.jar"';
  const PATH = `${programs(t, { java: JAVA_17, mvn })}:/usr/bin:/bin`;
  const { status, err } = await run(FETCH, [], { PATH, NACOS_CACHE: cache });
  assert.equal(status, 1);
  assert.match(err, /is not the one that was looked at: \S+\.jar is missing/);
  assert.deepEqual(readdirSync(cache), []);
});

test('NACOS_SERVERS without a release: says what should be there', async (t) => {
  const empty = folder(t);
  for (const [NACOS_SERVERS, found] of [
    [empty, 'holds no unpacked release of Nacos'],
    [join(empty, 'nowhere'), 'does not exist'],
  ] as const) {
    const { status, err } = await run(FETCH, [], { PATH: '', NACOS_SERVERS, NACOS_CACHE: empty });
    assert.equal(status, 1);
    assert.ok(err.includes(`the folder ${NACOS_SERVERS} (NACOS_SERVERS) ${found}: unpack`), err);
  }
});

test('NACOS_VERSIONS names a version that is nowhere: says which there are', async (t) => {
  const env = { PATH: programs(t, { java: JAVA_17 }), NACOS_VERSIONS: '9.9.9', NACOS_CACHE: folder(t) };
  const { status, err } = await run(FETCH, [], env);
  assert.equal(status, 1);
  assert.match(err, /NACOS_VERSIONS names 9\.9\.9, which is none of 2\.3\.2, 1\.4\.1/);
});

test(
  'a port in use: says which, and starts nothing',
  { skip: missingServer('2.3.2') ?? false },
  async (t) => {
    const home = join(folder(t), 'home');
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    t.after(() => listener.close());
    const { port } = listener.address() as { port: number };
    // Raft's port is the main one less 1000.
    const main = port + 1_000;
    const { status, err } = await run(START, ['2.3.2', String(main), home], {
      PATH: process.env.PATH ?? '',
      ...(process.env.NACOS_CACHE === undefined ? {} : { NACOS_CACHE: process.env.NACOS_CACHE }),
      HOME: process.env.HOME ?? '',
    });
    assert.equal(status, 1);
    assert.match(err, new RegExp(`^port \\d+ is in use, and a node with the main port ${main} needs it`));
    assert.ok(!existsSync(home));
  },
);

test('start.js without what it needs: says how it is used', async () => {
  for (const args of [
    [],
    ['2.3.2', '80', '/tmp/a'],
    ['2.3.2', 'x', '/tmp/a'],
    ['7.7.7', '8848', '/tmp/a'],
    ['2.3.2', '8848'],
  ]) {
    const { status, err } = await run(START, args, { PATH: '' });
    assert.equal(status, 1, args.join(' '));
    assert.match(err, /^start\.js VERSION PORT HOME/);
  }
});

test(
  'a corrupted cache: names the jar, in each of its ways',
  { skip: missingServer('1.4.1') ?? false },
  (t) => {
    const copy = join(folder(t), '1.4.1');
    cpSync(jarFolder('1.4.1'), copy, { recursive: true });
    assert.equal(flawIn(copy, '1.4.1'), undefined);
    appendFileSync(join(copy, 'nacos-core-1.4.1.jar'), 'x');
    assert.match(flawIn(copy, '1.4.1') ?? '', /^nacos-core-1\.4\.1\.jar has not the SHA-256 [0-9a-f]{64}$/);
    rmSync(join(copy, 'nacos-core-1.4.1.jar'));
    assert.equal(flawIn(copy, '1.4.1'), 'nacos-core-1.4.1.jar is missing');
    cpSync(join(jarFolder('1.4.1'), 'nacos-core-1.4.1.jar'), join(copy, 'nacos-core-1.4.1.jar'));
    writeFileSync(join(copy, 'other.jar'), '');
    assert.equal(flawIn(copy, '1.4.1'), 'other.jar is none of its jars');
  },
);

test(
  'a corrupted cache is fetched anew, and kept as it was when that fails',
  { skip: missingServer('1.4.1') ?? false },
  async (t) => {
    const cache = folder(t);
    mkdirSync(join(cache, '1.4.1'));
    const env = { NACOS_CACHE: cache };
    const failing = `${programs(t, { java: JAVA_17, mvn: 'exit 1' })}:/usr/bin:/bin`;
    const failed = await run('--input-type=module', ['-e', FETCH_JARS], { ...env, PATH: failing });
    assert.equal(failed.status, 1);
    assert.ok(
      failed.out.includes(`${cache}/1.4.1 is corrupted: nacos-console-1.4.1.jar is missing`),
      failed.out,
    );
    assert.deepEqual(readdirSync(cache), ['1.4.1']);
    // A Maven that has what is asked for.
    const mvn = `for last; do :; done; cp -r '${jarFolder('1.4.1')}' "\${last#*=}"`;
    const PATH = `${programs(t, { java: JAVA_17, mvn })}:/usr/bin:/bin`;
    const done = await run('--input-type=module', ['-e', FETCH_JARS], { ...env, PATH });
    assert.deepEqual([done.status, done.err], [0, '']);
    assert.equal(flawIn(join(cache, '1.4.1'), '1.4.1'), undefined);
    assert.deepEqual(readdirSync(cache), ['1.4.1']);
    const again = await run('--input-type=module', ['-e', FETCH_JARS], { ...env, PATH: failing });
    assert.equal(again.out, `Nacos 1.4.1 is in ${join(cache, '1.4.1')}\n`);
  },
);
