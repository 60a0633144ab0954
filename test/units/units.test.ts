import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ROOT, skipWithout, text } from '../machine/command.js';
import { otherNode } from '../machine/other-node.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/private-server.js';
import { LIMIT_MS, Machine } from './machine.js';

const skip = skipWithout('UNIT_TESTS', {
  'systemd-nspawn': 'systemd-container',
  debootstrap: 'debootstrap',
  unshare: 'util-linux',
  make: 'make',
  'g++': 'g++',
});

const UNITS = join(ROOT, 'deploy/systemd');
const SERVER = 'nacos-address-server.service';
const NACOS = 'nacos.service';
/** In that machine alone. */
const NACOS_USER = 800;

/** In Java's place, as nacos.service calls it: makes Nacos's folders, listens on its port, and ends like Java. */
const JAVA = `#!/usr/bin/node
const fs = require('node:fs');
const home = process.argv.find((arg) => arg.startsWith('-Dnacos.home=')).split('=')[1];
for (const folder of ['data', 'logs']) fs.mkdirSync(home + '/' + folder, { recursive: true });
fs.appendFileSync(home + '/data/starts', process.pid + '\\n');
fs.writeFileSync(home + '/logs/arguments', process.argv.slice(2).join('\\n'));
fs.copyFileSync(home + '/conf/cluster.conf', home + '/data/cluster.conf');
process.on('SIGTERM', () => process.exit(143));
require('node:net').createServer().listen(NACOS_PORT, '127.0.0.1');
`;

describe('the systemd units, by a systemd', { skip }, () => {
  const machine = new Machine();
  let port = 0;
  let nacosPort = 0;

  before(async () => {
    port = await freePort();
    nacosPort = await freePort();
    await installPackage(machine.root);
    await unpackNacos(machine.root, nacosPort);
    for (const unit of [SERVER, NACOS]) {
      cpSync(join(UNITS, unit), join(machine.root, 'etc/systemd/system', unit), { recursive: true });
    }
    writeSettings(machine.root, 'server.env', [`PORT=${port}`]);
    writeSettings(machine.root, 'agent.env', [
      `AGENT_SERVER=http://127.0.0.1:${port}`,
      `AGENT_SELF=127.0.0.1:${nacosPort}`,
      'AGENT_EXPECT=1',
      'JAVA_OPTIONS=-Xmx1g -Dnacos.server.ip=127.0.0.1',
    ]);
    await machine.boot();
  });
  after(() => machine.close());

  const list = async (query = ''): Promise<string> =>
    (await fetch(`http://127.0.0.1:${port}/nacos/serverlist${query}`)).text();

  /** Until the server answers, or the unit gave up. */
  const serves = async (): Promise<void> => {
    try {
      await eventually(
        'it serves',
        async () => {
          const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
          if (answer?.ok === true) return true;
          if ((await machine.property(SERVER, 'ActiveState')) === 'failed')
            throw new Error('the unit failed');
          return false;
        },
        LIMIT_MS,
        200,
      );
    } catch (error) {
      throw new Error(await machine.journal(SERVER), { cause: error });
    }
  };

  describe(SERVER, () => {
    it('is enabled, starts, and serves', async () => {
      await machine.text('systemctl', 'enable', '--now', SERVER);
      await serves();
      assert.equal(await list(`?self=127.0.0.1:${nacosPort}`), `127.0.0.1:${nacosPort}\n`);
      assert.equal(await machine.property(SERVER, 'NRestarts'), '0', await machine.journal(SERVER));
    });

    it('keeps its data over a restart', async () => {
      await machine.text('systemctl', 'restart', SERVER);
      await serves();
      assert.equal(await list(), `127.0.0.1:${nacosPort}\n`);
    });

    it('is started again when it is killed, with its data', async () => {
      const before = await machine.property(SERVER, 'MainPID');
      await machine.text('systemctl', 'kill', '--kill-who=main', '--signal=KILL', SERVER);
      await machine.until(SERVER, 'MainPID', (pid) => pid !== before && pid !== '0');
      await serves();
      assert.equal(await list(), `127.0.0.1:${nacosPort}\n`);
      assert.equal(await machine.property(SERVER, 'NRestarts'), '1');
    });

    it('stops with success', async () => {
      await machine.text('systemctl', 'stop', SERVER);
      const said = await Promise.all(
        ['ActiveState', 'Result', 'ExecMainStatus'].map((name) => machine.property(SERVER, name)),
      );
      assert.deepEqual(said, ['inactive', 'success', '0'], await machine.journal(SERVER));
    });

    it('ends with 78 when a setting is wrong, and is not started again', async () => {
      writeSettings(machine.root, 'server.env', ['PORT=many']);
      await machine.run('systemctl', 'start', SERVER);
      // `failed` is the end: a unit that is to be started again is `activating`.
      await machine.until(SERVER, 'ActiveState', (state) => state === 'failed');
      assert.equal(await machine.property(SERVER, 'ExecMainStatus'), '78', await machine.journal(SERVER));
      assert.equal(await machine.property(SERVER, 'NRestarts'), '0');
      assert.match(await machine.journal(SERVER), /PORT/);
      writeSettings(machine.root, 'server.env', [`PORT=${port}`]);
      await machine.text('systemctl', 'start', SERVER);
      await serves();
    });
  });

  for (const major of ['20', '22', '24']) {
    it(`lets Node.js ${major} run under the units' system call filters`, async () => {
      const node = await text(join(ROOT, 'test/node/fetch'), [major]);
      cpSync(join(node, 'bin/node'), join(machine.root, `opt/node-${major}`));
      for (const unit of [SERVER, NACOS]) {
        const [filter = ''] = /^SystemCallFilter=.*$/m.exec(readFileSync(join(UNITS, unit), 'utf8')) ?? [];
        const script = 'eval("(" + (() => 1) + ")()"); new Worker("1", { eval: true })';
        const { status, output, errors } = await machine.run(
          'systemd-run',
          ...[
            '--quiet',
            '--wait',
            '--pipe',
            '--property=SystemCallArchitectures=native',
            `--property=${filter}`,
          ],
          ...[`/opt/node-${major}`, '-e', `const { Worker } = require("node:worker_threads"); ${script}`],
        );
        assert.equal(status, 0, `${unit}: ${output}${errors}`);
      }
    });
  }

  describe(NACOS, () => {
    /** The process ids of all Nacos that were started. */
    const starts = async (): Promise<string[]> =>
      (await machine.run('cat', '/opt/nacos/data/starts')).output.split('\n').filter((pid) => pid !== '');
    const runs = async (count: number): Promise<void> => {
      try {
        await eventually(
          `Nacos runs for the ${count}th time`,
          async () => {
            if ((await machine.property(NACOS, 'ActiveState')) === 'failed')
              throw new Error('the unit failed');
            return (await starts()).length === count;
          },
          LIMIT_MS,
          200,
        );
      } catch (error) {
        throw new Error(await machine.journal(NACOS), { cause: error });
      }
    };

    it('starts a Nacos that was only just unpacked, with the list that the agent wrote', async () => {
      await machine.text('systemctl', 'enable', '--now', NACOS);
      await runs(1);
      assert.match(
        await machine.text('cat', '/opt/nacos/data/cluster.conf'),
        new RegExp(`^127\\.0\\.0\\.1:${nacosPort}$`, 'm'),
      );
      const args = await machine.text('cat', '/opt/nacos/logs/arguments');
      assert.match(args, /^-Xmx1g\n-Dnacos\.server\.ip=127\.0\.0\.1\n-Dnacos\.home=\/opt\/nacos\n-jar\n/);
      assert.equal(await machine.text('stat', '--format=%U', '/opt/nacos/data'), 'nacos');
    });

    it('may change nothing of Nacos that its user does not own, nor anything elsewhere', async () => {
      const pid = await machine.property(NACOS, 'MainPID');
      let user = NACOS_USER;
      const write = (file: string) =>
        machine.run(
          'nsenter',
          `--target=${pid}`,
          '--mount',
          `--setuid=${user}`,
          `--setgid=${user}`,
          'touch',
          file,
        );
      assert.equal((await write('/opt/nacos/data/x')).status, 0);
      assert.match((await write('/opt/nacos/target/nacos-server.jar')).errors, /Permission denied/);
      user = 0;
      assert.match((await write('/etc/x')).errors, /Read-only/);
    });

    it('is started again when the agent is killed, and Nacos with it', async () => {
      const dropIn = join(machine.root, 'etc/systemd/system/nacos.service.d');
      mkdirSync(dropIn);
      writeFileSync(join(dropIn, 'sooner.conf'), '[Service]\nTimeoutStopSec=5\n');
      await machine.text('systemctl', 'daemon-reload');
      const before = await machine.property(NACOS, 'MainPID');
      await machine.text('systemctl', 'kill', '--kill-who=main', '--signal=KILL', NACOS);
      await machine.until(NACOS, 'MainPID', (pid) => pid !== before && pid !== '0');
      await runs(2);
      const [first = ''] = await starts();
      assert.notEqual((await machine.run('test', '-d', `/proc/${first}`)).status, 0, 'one Nacos and no more');
      rmSync(dropIn, { recursive: true });
      await machine.text('systemctl', 'daemon-reload');
    });

    it('stops with success', async () => {
      await machine.text('systemctl', 'stop', NACOS);
      const said = await Promise.all(['ActiveState', 'Result'].map((name) => machine.property(NACOS, name)));
      assert.deepEqual(said, ['inactive', 'success'], await machine.journal(NACOS));
      // It did not leave: a node that is merely restarted keeps its place.
      assert.equal(await list(), `127.0.0.1:${nacosPort}\n`);
    });

    it('ends with 78 when a setting is wrong, and is not started again', async () => {
      writeSettings(machine.root, 'agent.env', ['AGENT_EXPECT=many']);
      await machine.run('systemctl', 'start', NACOS);
      await machine.until(NACOS, 'ActiveState', (state) => state === 'failed');
      assert.equal(await machine.property(NACOS, 'ExecMainStatus'), '78', await machine.journal(NACOS));
      assert.equal(await machine.property(NACOS, 'NRestarts'), '0');
      assert.equal((await starts()).length, 2);
    });
  });
});

/** As the unit's comment tells: the package, packed and installed for all. Its Node.js is that of the image. */
async function installPackage(root: string): Promise<void> {
  const node = await otherNode('24');
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  cpSync(join(node, 'bin/node'), join(root, 'usr/bin/node'));
  await text('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', root]);
  const archive = readdirSync(root).find((name) => name.endsWith('.tgz')) ?? '';
  await text('env', [
    ...[`PATH=${node}/bin:${process.env.PATH ?? ''}`, `npm_config_nodedir=${node}`],
    ...['npm', 'install', '--global', '--prefix', join(root, 'usr'), '--prefer-offline', '--no-audit'],
    join(root, archive),
  ]);
}

/** As deploy/README.md tells: a Nacos as its archive has it, a user, and what that user must own. */
async function unpackNacos(root: string, nacosPort: number): Promise<void> {
  const nacos = join(root, 'opt/nacos');
  for (const folder of ['bin', 'conf', 'target']) mkdirSync(join(nacos, folder), { recursive: true });
  writeFileSync(join(nacos, 'conf/application.properties'), '');
  writeFileSync(join(nacos, 'target/nacos-server.jar'), '');
  writeFileSync(join(root, 'usr/bin/java'), JAVA.replace('NACOS_PORT', String(nacosPort)), { mode: 0o755 });
  mkdirSync(join(root, 'etc/sysusers.d'), { recursive: true });
  writeFileSync(join(root, 'etc/sysusers.d/nacos.conf'), `u nacos ${NACOS_USER} - /opt/nacos\n`);
  await text('chown', [`${NACOS_USER}:${NACOS_USER}`, nacos, join(nacos, 'conf')]);
}

function writeSettings(root: string, name: string, lines: readonly string[]): void {
  const folder = join(root, 'etc/nacos-address-server');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), `${lines.join('\n')}\n`, { mode: 0o600 });
}
