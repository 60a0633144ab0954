import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { childrenOf } from './machine.js';

/** How long a process may take to end by itself, in milliseconds. */
const PATIENCE = 5_000;

export interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  /** `performance.now()` when it was started. */
  readonly startedAt: number;
  /** What it has printed so far. */
  stdout(): string;
  stderr(): string;
  /** Resolves with the exit status, or the signal's name. */
  readonly ended: Promise<number | string>;
}

/** Resolves when a process has printed a text. Rejects when it ends without. */
export async function printed(child: Child, text: string): Promise<void> {
  while (!child.stdout().includes(text)) {
    if (child.process.exitCode !== null) {
      throw new Error(`${child.process.spawnfile} ended without ${text}: ${child.stderr()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The processes of this run; each is ended by its process id, whatever happens. */
export class Children {
  readonly #running = new Set<Child>();

  start(command: string, args: readonly string[]): Child {
    const startedAt = performance.now();
    const process = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    process.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    process.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const ended = once(process, 'close').then(([code, signal]) => (code ?? signal) as number | string);
    const child: Child = {
      process,
      pid: process.pid ?? 0,
      startedAt,
      stdout: () => stdout,
      stderr: () => stderr,
      ended,
    };
    this.#running.add(child);
    const forget = (): void => void this.#running.delete(child);
    ended.then(forget, forget);
    return child;
  }

  /** Asks it to end, and makes it. nginx's worker outlives a master that is killed, so it is ended too. */
  async end(child: Child): Promise<void> {
    const family = [child.pid, ...childrenOf(child.pid)].filter((pid) => pid > 0);
    child.process.kill('SIGTERM');
    const timer = setTimeout(() => family.forEach(kill), PATIENCE);
    await child.ended.catch(() => undefined);
    clearTimeout(timer);
  }

  async endAll(): Promise<void> {
    await Promise.all([...this.#running].map((child) => this.end(child)));
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
