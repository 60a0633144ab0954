import assert from 'node:assert/strict';
import { chownSync, cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { ROOT, run, skipWithout, text } from '../machine/command.js';
import { MountNamespace } from '../machine/namespace.js';
import { eventually } from '../support/eventually.js';
import { tempFolder } from '../support/temp.js';
import { Containers, type Container } from './containers.js';
import { buildImage } from './images.js';

const skip = skipWithout('IMAGE_TESTS', {
  buildah: 'buildah',
  podman: 'podman',
  crun: 'crun',
  debootstrap: 'debootstrap',
  unshare: 'util-linux',
  busybox: 'busybox-static',
});

/** Long enough for any machine: it tells never from late. */
const LIMIT_MS = 120_000;

/** As a cluster's security policy has it. */
const HARDENED = ['--read-only', '--cap-drop=all', '--security-opt=no-new-privileges'];

/** Asks from inside, where no port of this machine is needed. */
function get(container: Container, path: string): Promise<string> {
  return container.exec(
    'node',
    '-e',
    `fetch('http://127.0.0.1:8080${path}').then(async (r) => process.stdout.write(r.status + ' ' + (await r.text())))`,
  );
}

async function isReady(container: Container): Promise<void> {
  await eventually(
    'the container is ready',
    async () => {
      const answer = await get(container, '/readyz').catch((error: unknown) => String(error));
      if (/no such container|is not running|container state improper/.test(answer))
        throw new Error(`it ended: ${await container.logs()}`);
      return answer.startsWith('200');
    },
    LIMIT_MS,
    200,
  );
}

describe('the image', { skip }, () => {
  let containers: Containers;

  before(async () => {
    const namespace = await MountNamespace.make();
    containers = new Containers(namespace, await buildImage(namespace));
  });
  after(() => containers.close());

  const start = (t: TestContext, options: readonly string[], args?: readonly string[]): Promise<Container> =>
    containers.start(t, ['--network=none', ...options], args);

  it('holds what runs, and nothing to develop or compile with', async (t) => {
    const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { dev?: boolean; optional?: boolean }>;
    };
    const expected = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true);
    const { status, output, errors } = await containers.once(
      ['--network=none', '--entrypoint=sh'],
      [
        '-c',
        'cd /app && find . -name package.json -path "*node_modules*"; echo; find . -type f; echo; du -sm node_modules | cut -f1; du -sm . | cut -f1; echo; ' +
          'command -v g++ make python3; true',
      ],
    );
    assert.equal(status, 0, errors);
    const [manifests = '', files = '', sizes = '', ...compilers] = output.split('\n\n');
    const found = new Set(
      manifests
        .split('\n')
        .map((file) => /^\.\/((?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+)\/package\.json$/.exec(file)?.[1])
        .filter((path) => path !== undefined),
    );
    const wanted = new Set(expected.map(([path]) => path));
    assert.deepEqual(
      [...found].filter((path) => !wanted.has(path)),
      [],
      'only what package-lock.json needs at run time is there',
    );
    for (const [path, { optional }] of expected) assert.ok(found.has(path) || optional === true, path);
    const sqlite = files.split('\n').filter((file) => file.startsWith('./node_modules/better-sqlite3/'));
    assert.ok(sqlite.includes('./node_modules/better-sqlite3/build/Release/better_sqlite3.node'));
    assert.deepEqual(
      sqlite.filter((file) => /\.([acho]|cpp|gypi?|mk)$|\/obj|\/deps\//.test(file)),
      [],
    );
    assert.doesNotMatch(files, /^\.\/(src|test|dist\/test|dist\/bench|scripts)\//m);
    assert.deepEqual(compilers, []);
    t.diagnostic(`MB of node_modules and of all of /app: ${sizes.replaceAll(/\s+/g, ' ')}`);
  });

  it('says its version, by any user', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    const { output, errors } = await containers.once(
      ['--network=none', '--user=4711:4711', ...HARDENED],
      ['--version'],
    );
    assert.equal(output, version, errors);
  });

  for (const [who, options, id] of [
    ['the user node', [], '1000:1000'],
    ['a user of the platform’s choice in group 0', ['--user=1000680000:0'], '1000680000:0'],
  ] as const) {
    it(`serves as ${who} with a read-only root, keeps its volume, and stops when it is told`, async (t) => {
      const volume = `data-${id.replace(':', '-')}`;
      t.after(() => containers.podman('volume', 'rm', '--force', volume));
      const settings = [...HARDENED, ...options, `--volume=${volume}:/data`];
      const first = await start(t, settings);
      await isReady(first);
      assert.equal(`${await first.exec('id', '-u')}:${await first.exec('id', '-g')}`, id);
      assert.equal(await get(first, '/nacos/serverlist?self=127.0.0.1:9'), '200 127.0.0.1:9');

      await first.restart();
      await isReady(first);
      assert.equal(await get(first, '/nacos/serverlist'), '200 127.0.0.1:9');
      assert.equal(await first.stop(), 0, await first.logs());
      assert.match(await first.logs(), /"stopped"/);
      await first.remove();

      const second = await start(t, settings);
      await isReady(second);
      assert.equal(await get(second, '/nacos/serverlist'), '200 127.0.0.1:9');
    });
  }

  for (const host of ['', '0.0.0.0', '127.0.0.2', 'localhost', '::', '::1']) {
    it(`is healthy when it listens on HOST=${host}`, async (t) => {
      if (host.includes(':') && !existsSync('/proc/net/if_inet6')) return t.skip('no IPv6 in this kernel');
      const container = await start(t, [`--env=HOST=${host}`, '--env=PORT=8081']);
      const { output } = await eventually(
        'it is healthy',
        async () => {
          const ran = await container.health();
          return ran.status === 0 && ran;
        },
        LIMIT_MS,
        200,
      );
      assert.doesNotMatch(output, /unhealthy/);
    });
  }

  it('is unhealthy when nobody answers where HOST and PORT say', async (t) => {
    const container = await start(t, [], ['serve', '--port', '8081']);
    await eventually(
      'it listens elsewhere',
      async () => (await container.logs()).includes('"listening"'),
      LIMIT_MS,
      200,
    );
    assert.equal((await container.health()).status, 1);
    await assert.rejects(container.exec('node', 'dist/src/healthcheck.js'), /ended with 1/);
  });

  it('ends with 78 when a setting is wrong', async () => {
    const { status, output, errors } = await containers.once(['--network=none', '--env=PORT=many'], []);
    assert.equal(status, 78, errors);
    assert.match(`${output}${errors}`, /PORT/);
  });

  it('brings the agent to an image that has nothing but a shell', async (t) => {
    const folder = tempFolder(t);
    const plugin = join(folder, 'plugin');
    mkdirSync(plugin);
    chownSync(plugin, 1000, 1000);
    const { status, output, errors } = await containers.once(
      [
        '--network=none',
        ...HARDENED,
        `--volume=${plugin}:/plugin`,
        '--entrypoint=/app/plugins/peer-finder/install',
      ],
      ['/plugin'],
    );
    assert.deepEqual([status, output], [0, 'install: /plugin is ready'], errors);

    // BusyBox is all there is, and it is linked statically: no C library but the one that was brought.
    cpSync((await text('which', ['busybox'])).trim(), join(folder, 'busybox'));
    const runtime = '/plugin/runtime';
    const ran = await run('chroot', [
      ...[folder, '/busybox', 'env', '-i', `${runtime}/loader`, '--library-path', `${runtime}/lib`],
      ...[`${runtime}/node`, `${runtime}/dist/src/cli.js`, 'agent', '--help'],
    ]);
    assert.equal(ran.status, 0, ran.errors);
    assert.match(ran.output, /AGENT_SELF/);
  });
});
