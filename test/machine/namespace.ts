import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { endWithThisProcess } from '../support/processes.js';
import { run, text, type Ran } from './command.js';

/**
 * A mount namespace: what is mounted in it nobody else sees, and it is gone with the process that holds it. Without the
 * second hierarchy of control groups that some machines mount beside the first, which container runtimes do not take.
 */
export class MountNamespace {
  readonly #holder: ChildProcess;

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  static async make(): Promise<MountNamespace> {
    const script = 'umount /sys/fs/cgroup/unified 2>/dev/null; echo ready; exec sleep infinity';
    const holder = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    endWithThisProcess(holder);
    const [line] = (await Promise.race([
      once(holder.stdout, 'data'),
      once(holder, 'exit').then(() => ['it ended']),
    ])) as [unknown];
    assert.equal(String(line), 'ready\n', 'unshare made no mount namespace');
    return new MountNamespace(holder);
  }

  /** The command line that runs a command in it. */
  command(command: string, args: readonly string[]): [string, string[]] {
    return ['nsenter', [`--mount=/proc/${this.#holder.pid ?? 0}/ns/mnt`, '--wd=.', command, ...args]];
  }

  run(command: string, args: readonly string[]): Promise<Ran> {
    return run(...this.command(command, args));
  }

  text(command: string, args: readonly string[]): Promise<string> {
    return text(...this.command(command, args));
  }

  close(): void {
    this.#holder.kill('SIGKILL');
  }
}
