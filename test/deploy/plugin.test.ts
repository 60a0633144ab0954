import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { before, describe, it, type TestContext } from 'node:test';
import { eventually } from '../support/eventually.js';
import { tempFolder } from '../support/temp.js';
import { ROOT } from './render.js';

const SOURCE = join(ROOT, 'plugins/peer-finder');
const required = process.env.DEPLOY_TESTS === 'required';

/** Whether something that needs root, or a further program, can be tried here; for node:test's `skip`. */
function unless(isThere: boolean, reason: string): string | false {
  return isThere || required ? false : reason;
}

const isRoot = process.getuid?.() === 0;
const canUnshare = spawnSync('unshare', ['--pid', '--fork', 'true']).status === 0;

/** Stands for the agent: logs its start, and does what the file `behaviour` beside it says. */
const STUB = `#!/usr/bin/env bash
here=$(cd "$(dirname "\${BASH_SOURCE[0]}")" && pwd)
echo "$*" >> "$here/starts"
env | grep ^AGENT_ | sort > "$here/environment"
rm -f "$AGENT_READY_FILE"
echo $$ > "$here/pid"
. "$here/behaviour"
`;

/** As the image has it, in miniature: the plugin's status is ignored, and then comes Nacos. */
const START_SCRIPT = `set -x
bash "$1/plugin.sh"
sleep 0.1
echo NACOS STARTS
`;

const OPEN = 'echo 10.0.0.1:8848 > "$AGENT_CLUSTER_CONF"; touch "$AGENT_READY_FILE"';

interface Ended {
  readonly status: number | null;
  readonly output: string;
}

class Place {
  readonly #t: TestContext;
  readonly folder: string;
  readonly plugin: string;
  readonly env: Record<string, string>;

  constructor(t: TestContext, behaviour: string) {
    this.#t = t;
    this.folder = tempFolder(t);
    this.plugin = join(this.folder, 'peer-finder');
    mkdirSync(join(this.plugin, 'runtime'), { recursive: true });
    copyFileSync(join(SOURCE, 'plugin.sh'), join(this.plugin, 'plugin.sh'));
    writeFileSync(join(this.plugin, 'runtime/loader'), STUB);
    chmodSync(join(this.plugin, 'runtime/loader'), 0o755);
    this.behave(behaviour);
    writeFileSync(join(this.folder, 'docker-startup.sh'), START_SCRIPT);
    this.env = {
      PATH: process.env.PATH ?? '',
      HOSTNAME: 'nacos-0',
      AGENT_SELF: '10.0.0.1:8848',
      AGENT_CLUSTER_CONF: join(this.folder, 'cluster.conf'),
      AGENT_READY_FILE: join(this.folder, 'ready'),
      PLUGIN_STEP: '0.05',
      PLUGIN_HOSTS: join(this.folder, 'hosts'),
    };
    writeFileSync(this.env.PLUGIN_HOSTS!, '127.0.0.1\tlocalhost\n');
    t.after(() => this.endAgent());
  }

  behave(script: string): void {
    writeFileSync(join(this.plugin, 'runtime/behaviour'), `${script}\n`);
  }

  /** Runs the image's start script by a shell, with `before` in front of that (`unshare`, for one). */
  start(shell: readonly string[] = ['bash'], before: readonly string[] = []): Promise<Ended> {
    return this.#run([...before, ...shell, join(this.folder, 'docker-startup.sh'), this.plugin]);
  }

  /** Runs the plugin by itself. */
  alone(): Promise<Ended> {
    return this.#run(['bash', join(this.plugin, 'plugin.sh')]);
  }

  get starts(): number {
    return this.#read('starts').split('\n').length - 1;
  }

  get agentEnvironment(): string {
    return this.#read('environment');
  }

  get agentRuns(): boolean {
    const pid = Number(this.#read('pid'));
    try {
      process.kill(pid, 0);
      return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
      return false;
    }
  }

  /** Ends the stub and who watches it, by the process ids that are theirs. */
  endAgent(): void {
    if (!existsSync(join(this.plugin, 'runtime/pid'))) return;
    const pid = Number(this.#read('pid'));
    try {
      const watcher = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
      const { length } = readFileSync(`/proc/${watcher}/cmdline`, 'utf8').match(/plugin\.sh\0run/g) ?? [];
      if (length === 1) process.kill(watcher, 'SIGKILL');
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }

  #read(name: string): string {
    const file = join(this.plugin, 'runtime', name);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  async #run([command = '', ...args]: readonly string[]): Promise<Ended> {
    // A file, not a pipe: the agent keeps it open when the script has ended, as it keeps the container's output.
    const log = join(this.folder, 'log');
    const child: ChildProcess = spawn('sh', ['-c', 'exec "$@" > "$0" 2>&1', log, command, ...args], {
      env: this.env,
      stdio: 'ignore',
    });
    this.#t.after(() => child.kill('SIGKILL'));
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    const status = code ?? (signal === 'SIGINT' ? 130 : -1);
    return { status, output: readFileSync(log, 'utf8') };
  }
}

describe('plugins/peer-finder/plugin.sh, with a stub for the agent', { concurrency: false }, () => {
  it('waits until the gate opens, lets Nacos start, and leaves the agent running', async (t) => {
    const place = new Place(t, `sleep 1; ${OPEN}; sleep 60`);
    const started = performance.now();
    const { status, output } = await place.start();
    assert.equal(status, 0, output);
    assert.ok(performance.now() - started > 950);
    assert.match(output, /10\.0\.0\.1:8848 is on the list; .*cluster\.conf is written[^]*NACOS STARTS/);
    assert.equal(place.starts, 1);
    assert.ok(place.agentRuns);
  });

  it('does not take the file of an earlier start for an open gate', async (t) => {
    const place = new Place(t, 'sleep 60');
    writeFileSync(place.env.AGENT_READY_FILE!, '');
    place.env.PLUGIN_GATE_TIMEOUT = '1';
    const { output } = await place.start();
    assert.doesNotMatch(output, /NACOS STARTS/);
  });

  for (const [what, behaviour, sentence] of [
    ['the agent dies at the gate', 'sleep 0.3; exit 70', /ended with status 70 before the gate opened/],
    ['the agent has a wrong setting', 'exit 78', /ended with status 78: one of its settings is wrong/],
    ['the agent is killed at the gate', 'kill -9 $$', /ended with status 137 before the gate/],
  ] as const) {
    it(`lets no Nacos start when ${what}, and says so`, async (t) => {
      const place = new Place(t, behaviour);
      const { status, output } = await place.start();
      assert.doesNotMatch(output, /NACOS STARTS/);
      assert.notEqual(status, 0);
      assert.match(output, sentence);
      assert.match(output, /Nacos is not started/);
      assert.equal(place.starts, 1);
    });
  }

  it('lets no Nacos start when the gate stays shut for too long, and ends the agent', async (t) => {
    const place = new Place(t, 'sleep 60');
    place.env.PLUGIN_GATE_TIMEOUT = '1';
    place.env.AGENT_SERVER = 'http://lists:8080';
    const { output } = await place.start();
    assert.doesNotMatch(output, /NACOS STARTS/);
    assert.match(output, /not on the list after 1 s .* members --server http:\/\/lists:8080/);
    await eventually('the agent has ended', () => !place.agentRuns);
  });

  it('starts the agent again when it dies later', async (t) => {
    const place = new Place(t, `${OPEN}; sleep 0.5; exit 70`);
    const { status } = await place.start();
    assert.equal(status, 0);
    place.behave('sleep 60');
    await eventually('it was started again', () => place.starts === 2 && place.agentRuns, 10_000);
  });

  it('takes from nacos-k8s what the agent is not told', async (t) => {
    const place = new Place(t, `${OPEN}; sleep 60`);
    delete place.env.AGENT_SELF;
    Object.assign(place.env, {
      SERVICE_NAME: 'nacos-headless',
      POD_NAMESPACE: 'default',
      NACOS_REPLICAS: '3',
      CLUSTER_CONF: place.env.AGENT_CLUSTER_CONF,
    });
    delete place.env.AGENT_CLUSTER_CONF;
    const { status, output } = await place.start();
    assert.equal(status, 0, output);
    assert.match(
      place.agentEnvironment,
      /^AGENT_SELF=nacos-0\.nacos-headless\.default\.svc\.cluster\.local:8848$/m,
    );
    assert.match(place.agentEnvironment, /^AGENT_EXPECT=3$/m);
    assert.match(place.agentEnvironment, /^AGENT_CLUSTER_CONF=.*cluster\.conf$/m);
  });

  describe('where the kubelet’s cluster domain has a final dot', () => {
    const NAME = 'nacos-0.nacos-headless.default.svc.cluster.local';
    /** As a kubelet writes it for a pod of a StatefulSet. */
    const HOSTS = `# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
10.244.1.7\t${NAME}.\tnacos-0
10.244.1.8\tx-${NAME}.\t${NAME}.example\n`;
    const RIGHT = HOSTS.replace(`\t${NAME}.\tnacos-0`, `\t${NAME}\tnacos-0`);
    const POD = { SERVICE_NAME: 'nacos-headless', POD_NAMESPACE: 'default' };

    function pod(t: TestContext, self?: string): Place {
      const place = new Place(t, `${OPEN}; sleep 60`);
      writeFileSync(place.env.PLUGIN_HOSTS!, HOSTS);
      delete place.env.AGENT_SELF;
      Object.assign(place.env, self === undefined ? POD : { AGENT_SELF: self });
      return place;
    }
    const hostsOf = ({ env }: Place): string => readFileSync(env.PLUGIN_HOSTS!, 'utf8');

    for (const self of [undefined, `${NAME}:8848`]) {
      it(`takes the dot from the node’s own name in /etc/hosts (AGENT_SELF ${self ?? 'derived'})`, async (t) => {
        const place = pod(t, self);
        const { status, output } = await place.start();
        assert.equal(status, 0, output);
        assert.equal(hostsOf(place), RIGHT);
        assert.match(place.agentEnvironment, new RegExp(`^AGENT_SELF=${NAME}:8848$`, 'm'));
        assert.match(output, /without its final dot now, so that Nacos calls itself as it is listed/);
        const again = await place.start();
        assert.doesNotMatch(again.output, /final dot/, 'once');
      });
    }

    it('leaves it where the node is to have the dot', async (t) => {
      const place = pod(t, `${NAME}.:8848`);
      await place.start();
      assert.equal(hostsOf(place), HOSTS);
      assert.match(place.agentEnvironment, new RegExp(`^AGENT_SELF=${NAME}\\.:8848$`, 'm'));
    });

    it('leaves a file alone that has no such name', async (t) => {
      const place = pod(t);
      writeFileSync(place.env.PLUGIN_HOSTS!, RIGHT);
      const { output } = await place.start();
      assert.equal(hostsOf(place), RIGHT);
      assert.doesNotMatch(output, /final dot/);
    });

    describe('and the file cannot be written', { skip: unless(isRoot, 'a mount needs root') }, () => {
      const readOnly = ({ env }: Place): string[] => {
        const hosts = env.PLUGIN_HOSTS!;
        const script = `mount --bind ${hosts} ${hosts} && mount -o remount,ro,bind ${hosts} && exec "$@"`;
        return ['unshare', '--mount', 'sh', '-c', script, 'sh'];
      };

      it('gives the node the dot where the name is the plugin’s', async (t) => {
        const place = pod(t);
        const { status, output } = await place.start(['bash'], readOnly(place));
        assert.equal(status, 0, output);
        assert.match(place.agentEnvironment, new RegExp(`^AGENT_SELF=${NAME}\\.:8848$`, 'm'));
        assert.match(output, /cannot be written: this node is .*\.local\.:8848, with a final dot/);
      });

      it('says what to do where the name was given', async (t) => {
        const place = pod(t, `${NAME}:8848`);
        const { output } = await place.start(['bash'], readOnly(place));
        assert.match(place.agentEnvironment, new RegExp(`^AGENT_SELF=${NAME}:8848$`, 'm'));
        assert.match(
          output,
          /cannot be written and has .* with a final dot: .* give AGENT_SELF the dot, too/,
        );
      });
    });
  });

  it('says what to set when nobody says what the node is called', async (t) => {
    const place = new Place(t, OPEN);
    delete place.env.AGENT_SELF;
    const { output } = await place.start();
    assert.match(output, /set AGENT_SELF to HOST:PORT/);
    assert.doesNotMatch(output, /NACOS STARTS/);
  });

  it('says so when the init container did not bring the agent', async (t) => {
    const place = new Place(t, OPEN);
    chmodSync(join(place.plugin, 'runtime/loader'), 0o644);
    const { output } = await place.start();
    assert.match(output, /runtime\/loader is missing: the init container/);
    assert.doesNotMatch(output, /NACOS STARTS/);
  });

  it('fails by its status where it is run by something else', async (t) => {
    const place = new Place(t, 'exit 70');
    const { status, output } = await place.alone();
    assert.equal(status, 1, output);
  });

  // `sh bin/docker-startup.sh` in Alpine is BusyBox's; others have bash, or run the script by its first line.
  for (const shell of [['bash'], ['dash'], ['busybox', 'sh']]) {
    const isThere = spawnSync(shell[0]!, [...shell.slice(1), '-c', 'true']).status === 0;
    const skip =
      unless(canUnshare, 'no PID namespace can be made here') ||
      unless(isThere, `${shell.join(' ')} is not here`);
    it(`ends the container whose process 1 is ${shell.join(' ')}`, { skip, timeout: 30_000 }, async (t) => {
      const place = new Place(t, 'exit 70');
      const { status, output } = await place.start(shell, ['unshare', '--pid', '--fork', '--mount-proc']);
      assert.match(output, /The container ends/);
      assert.doesNotMatch(output, /NACOS STARTS/);
      assert.equal(status, 130);
    });
  }
});

describe(
  'the folder that plugins/peer-finder/install makes',
  { skip: unless(isRoot, 'chroot needs root') },
  () => {
    let root: string;
    const ends: (() => unknown)[] = [];

    before(() => {
      root = tempFolder({ after: (end) => ends.push(end as () => unknown) });
      process.once('exit', () => ends.forEach((end) => end()));
      const { status, stderr } = spawnSync('bash', [join(SOURCE, 'install'), join(root, 'plugin')], {
        encoding: 'utf8',
      });
      assert.equal(status, 0, stderr);
    });

    /** In a root folder that has nothing but the plugin: no C library, no shell, no /proc. */
    const inside = (...args: string[]): Ended => {
      const runtime = '/plugin/runtime';
      const { status, stdout, stderr } = spawnSync(
        'chroot',
        [root, `${runtime}/loader`, '--library-path', `${runtime}/lib`, `${runtime}/node`, ...args],
        { encoding: 'utf8', env: { PATH: process.env.PATH ?? '' } },
      );
      return { status, output: `${stdout}${stderr}` };
    };
    const CLI = '/plugin/runtime/dist/src/cli.js';

    it('runs where there is nothing else', () => {
      const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
      assert.deepEqual(inside(CLI, '--version'), { status: 0, output: `${version}\n` });
      assert.match(inside(CLI, '--help').output, /^Cluster:$/m);
    });

    it('finds hosts by their names', () => {
      mkdirSync(join(root, 'etc'), { recursive: true });
      writeFileSync(join(root, 'etc/hosts'), '127.0.0.3 lists\n');
      const look = "require('dns').lookup('lists', (e, address) => console.log(e?.code ?? address))";
      assert.deepEqual(inside('-e', look), { status: 0, output: '127.0.0.3\n' });
    });

    it('has no native module, of a database or of anything else', () => {
      const files = readdirSync(join(root, 'plugin'), { recursive: true }) as string[];
      assert.ok(files.includes('plugin.sh'));
      assert.deepEqual(
        files.filter((file) => file.endsWith('.node') || file.includes('better-sqlite3')),
        [],
      );
    });

    it('is made anew over the old one', () => {
      writeFileSync(join(root, 'plugin/on-start.sh'), 'echo "" > "${CLUSTER_CONF}"');
      const { status } = spawnSync('bash', [join(SOURCE, 'install'), join(root, 'plugin')]);
      assert.equal(status, 0);
      assert.deepEqual(readdirSync(join(root, 'plugin')).sort(), ['plugin.sh', 'runtime']);
      assert.equal(inside(CLI, '--version').status, 0);
    });
  },
);
