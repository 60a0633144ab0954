import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'node:test';
import { tempFolder } from '../support/temp.js';
import type { Ask, Setup } from './subject.js';

const SUBJECT = fileURLToPath(new URL('./subject.js', import.meta.url));

/** The server under fire. */
export interface Subject {
  readonly port: number;
  /** What requests may change, as JSON; asked when nobody is connected. */
  state(): Promise<string>;
  /** Resolves when it has had time for whatever came before. */
  beat(): Promise<void>;
  /** Bytes in use after a garbage collection. */
  heap(): Promise<number>;
  /** All that it logged, and printed besides: warnings of node, and why it ended. */
  log(): string;
  printed(): string;
  readonly hasEnded: boolean;
}

/** What it says: its port first, then an answer to each question. */
interface Reply {
  readonly id?: number;
  readonly port?: number;
  readonly value?: unknown;
  readonly problem?: string;
}

/** Starts it; the test's end ends it by its process id. */
export async function startSubject(t: TestContext, guard: Setup['guard']): Promise<Subject> {
  const logFile = join(tempFolder(t), 'log');
  const setup: Setup = { guard, logFile };
  const child = fork(SUBJECT, [JSON.stringify(setup)], {
    execArgv: ['--expose-gc', '--enable-source-maps'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (printed += text));
  }
  let hasEnded = false;
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      hasEnded = true;
      for (const { reject } of waiting.values()) {
        reject(new Error(`the server ended with ${code ?? signal}: ${printed}`));
      }
      resolve();
    });
  });
  t.after(async () => {
    const stubborn = setTimeout(() => child.kill('SIGKILL'), 5_000);
    if (child.connected) child.disconnect();
    await ended;
    clearTimeout(stubborn);
  });
  let lastId = 0;
  const get = (what?: Ask): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const id = what === undefined ? 0 : ++lastId;
      if (hasEnded) return reject(new Error(`the server has ended: ${printed}`));
      waiting.set(id, { resolve, reject });
      if (what !== undefined) child.send({ id, what });
    });
  child.on('message', ({ id = 0, port, value, problem }: Reply) => {
    if (problem === undefined) waiting.get(id)?.resolve(port ?? value);
    else waiting.get(id)?.reject(new Error(problem));
    waiting.delete(id);
  });
  const port = (await get()) as number;
  return {
    port,
    state: async () => (await get('state')) as string,
    beat: async () => {
      await get('beat');
    },
    heap: async () => (await get('heap')) as number,
    log: () => readFileSync(logFile, 'utf8'),
    printed: () => printed,
    get hasEnded() {
      return hasEnded;
    },
  };
}
