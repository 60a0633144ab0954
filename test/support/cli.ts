import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { eventually } from './eventually.js';
import { CLI, startCli, type CliProcess } from './process.js';

type Scope = Pick<TestContext, 'after'>;

export interface Ran {
  readonly status: number | string;
  readonly out: string;
  readonly err: string;
}

/** Runs the command to its end. */
export async function runCli(
  t: Scope,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Ran> {
  const cli = startCli(t, args, { env });
  const status = await cli.exited;
  return { status, out: cli.stdout(), err: cli.stderr() };
}

/** The whole lines that a process has printed so far. */
export function linesOf(cli: Pick<CliProcess, 'stdout'>): string[] {
  return cli.stdout().split('\n').slice(0, -1);
}

/** The JSON lines that a process has printed so far. */
export function jsonLines<T>(cli: Pick<CliProcess, 'stdout'>): T[] {
  return linesOf(cli).map((line) => JSON.parse(line) as T);
}

/** A picture's begin and end. */
const HOME = '\x1b[H';
const DRAWN = '\x1b[J';

export interface OnTerminal {
  /** Everything that was sent to the terminal, escape sequences included. */
  sent(): string;
  /** What the terminal shows: the last whole picture. */
  screen(): string;
  type(keys: string): void;
  /** As `fg` does, once the command has been stopped: whoever says it earlier is not heard. */
  resume(): Promise<void>;
  /** The command's own process id. */
  readonly pid: number;
  /** Resolves with the command's exit status. */
  readonly exited: Promise<number | string>;
}

/** Starts the built command on a terminal of its own (by Debian's `script`, which is always there). */
export async function startOnTerminal(
  t: Scope,
  args: readonly string[],
  {
    env = {},
    columns = 80,
    rows = 24,
  }: { env?: Record<string, string>; columns?: number; rows?: number } = {},
): Promise<OnTerminal> {
  const words = [process.execPath, CLI, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qefc', `stty cols ${columns} rows ${rows}; exec ${words}`, '/dev/null'], {
    env: { PATH: process.env.PATH ?? '', TERM: 'xterm', SHELL: '/bin/sh', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let sent = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (sent += text));
  child.stdin.on('error', () => undefined);
  const exited = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  const own = await eventually('the command runs', () => childOf(child.pid));
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) kill(own);
    child.kill('SIGKILL');
    await exited;
  });
  return {
    sent: () => sent,
    screen: () => {
      const whole = sent.slice(0, Math.max(0, sent.lastIndexOf(DRAWN)));
      return whole.slice(whole.lastIndexOf(HOME) + HOME.length).replace(/\x1b\[K|\r/g, '');
    },
    type: (keys) => child.stdin.write(keys),
    // `script` stops with the command, a moment later, and goes on with it.
    resume: async () => {
      await eventually('the command is stopped', () => isStopped(own) && isStopped(child.pid));
      child.kill('SIGCONT');
    },
    pid: own,
    exited,
  };
}

/** The process that `script` started: the command, since the shell in between is replaced by it. */
function childOf(pid: number | undefined): number | undefined {
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    return child ? Number(child) : undefined;
  } catch {
    return undefined;
  }
}

function isStopped(pid: number | undefined): boolean {
  // The state comes after the name, which is in brackets and may hold anything.
  return /\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
