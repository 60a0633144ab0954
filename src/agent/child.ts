import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';

/** How a command ended. */
export interface Ended {
  /**
   * The exit status as a shell has it: the child's own, or 128 plus the signal's number; 127 if the command
   * does not exist, 126 if it cannot run.
   */
  readonly status: number;
  /** The end of a sentence that starts with "its process". */
  readonly how: string;
}

/** The agent's command, run as its child with this process's own input and output. */
export class Child {
  readonly #child: ChildProcess;
  /** Resolves when the command has ended. */
  readonly ended: Promise<Ended>;

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: 'inherit' });
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error: NodeJS.ErrnoException) =>
        resolve({
          status: error.code === 'ENOENT' ? 127 : 126,
          how: `could not be started: ${error.message}`,
        }),
      );
      this.#child.once('exit', (code, signal) =>
        resolve(
          signal === null
            ? { status: code ?? 1, how: `ended with status ${code}` }
            : { status: 128 + constants.signals[signal], how: `was ended by ${signal}` },
        ),
      );
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Passes a signal on; does nothing if the child has ended. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}
