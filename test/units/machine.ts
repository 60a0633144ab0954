import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, ROOT, text, type Ran } from '../machine/command.js';
import { MountNamespace } from '../machine/namespace.js';
import { eventually } from '../support/eventually.js';
import { atProcessEnd, endWithThisProcess } from '../support/processes.js';

/** Long enough for any machine: it tells never from late. */
export const LIMIT_MS = 180_000;

/** A Debian of its own with systemd as process 1, in this machine's network. What changes in it is gone with it. */
export class Machine {
  readonly #work = mkdtempSync(join(tmpdir(), 'machine-'));
  /** What is laid over the Debian. */
  readonly #files = join(this.#work, 'files');
  #namespace: MountNamespace | undefined;
  #nspawn: ChildProcess | undefined;
  #init = 0;
  #killed: () => unknown = () => undefined;
  #console = '';

  async boot(): Promise<void> {
    const debian = await text(join(ROOT, 'test/machine/fetch-debian'), []);
    const root = join(this.#work, 'root');
    const scratch = join(this.#work, 'scratch');
    for (const folder of [this.#files, root, scratch]) mkdirSync(folder, { recursive: true });
    this.#namespace = await MountNamespace.make();
    const layers = `lowerdir=${debian},upperdir=${this.#files},workdir=${scratch}`;
    await this.#namespace.text('mount', ['-t', 'overlay', 'overlay', '-o', layers, root]);
    this.#nspawn = spawn(
      ...this.#namespace.command('systemd-nspawn', [
        ...['--quiet', `--directory=${root}`, '--register=no', '--keep-unit', '--console=pipe', '--boot'],
      ]),
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    endWithThisProcess(this.#nspawn);
    this.#killed = atProcessEnd(() => this.#killInit());
    for (const stream of [this.#nspawn.stdout, this.#nspawn.stderr]) {
      stream?.setEncoding('utf8').on('data', (part: string) => (this.#console += part));
    }
    await eventually('systemd is up', () => this.#isUp(), LIMIT_MS, 200);
  }

  async #isUp(): Promise<boolean> {
    const nspawn = this.#nspawn;
    if (nspawn?.pid === undefined || nspawn.exitCode !== null) throw new Error(`it ended: ${this.#console}`);
    this.#init = Number(
      readFileSync(`/proc/${nspawn.pid}/task/${nspawn.pid}/children`, 'utf8').split(' ')[0],
    );
    if (this.#init === 0) return false;
    const { output } = await this.run('systemctl', 'is-system-running');
    return /^(running|degraded)$/.test(output);
  }

  /** Its root folder, to put files in, as this machine sees it; another one when it has booted. */
  get root(): string {
    return this.#init === 0 ? this.#files : `/proc/${this.#init}/root`;
  }

  /** Runs a command in it. */
  run(command: string, ...args: readonly string[]): Promise<Ran> {
    return run(...this.#inside(command, args));
  }

  /** What a command in it printed. */
  text(command: string, ...args: readonly string[]): Promise<string> {
    return text(...this.#inside(command, args));
  }

  #inside(command: string, args: readonly string[]): [string, string[]] {
    const namespaces = ['--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup', '--root', '--wd=/'];
    const environment = ['env', '-i', 'PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin'];
    return ['nsenter', [`--target=${this.#init}`, ...namespaces, ...environment, command, ...args]];
  }

  /** A property of a unit, as `systemctl show` says it. */
  property(unit: string, name: string): Promise<string> {
    return this.text('systemctl', 'show', '--property', name, '--value', unit);
  }

  /** Waits until a property has a value; fails with the unit's last words. */
  async until(unit: string, name: string, met: (value: string) => boolean): Promise<string> {
    let value = '';
    try {
      await eventually(name, async () => met((value = await this.property(unit, name))), LIMIT_MS, 200);
    } catch (error) {
      throw new Error(`${unit} has ${name}=${value}:\n${await this.journal(unit)}`, { cause: error });
    }
    return value;
  }

  async journal(unit: string): Promise<string> {
    return (await this.run('journalctl', '--no-pager', '--lines=30', '--unit', unit)).output;
  }

  /** Its process 1 outlives systemd-nspawn; every other process in it dies with it. */
  #killInit(): void {
    if (this.#init === 0) return;
    try {
      process.kill(this.#init, 'SIGKILL');
    } catch {
      // It has ended.
    }
    this.#init = 0;
  }

  async close(): Promise<void> {
    const nspawn = this.#nspawn;
    if (nspawn !== undefined && nspawn.exitCode === null && nspawn.signalCode === null) {
      const exited = once(nspawn, 'exit');
      this.#killInit();
      nspawn.kill('SIGKILL');
      await exited;
    }
    this.#killed();
    this.#namespace?.close();
    rmSync(this.#work, { recursive: true, force: true });
  }
}
