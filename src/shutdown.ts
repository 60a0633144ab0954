import type { Logger } from 'pino';
import type { Running } from './main.js';

/** Nothing may hold up an exit for longer, in milliseconds. */
const LIMIT = 4_500;

/**
 * Two signals within this time are one, in milliseconds: on Ctrl-C the terminal sends SIGINT to `npm start` and to
 * the server, and npm passes its own on.
 */
const REPEATED = 500;

/**
 * Runs the server until SIGTERM or SIGINT, one that comes while it still starts included, and resolves with the
 * exit status. A second signal, or a stop that hangs, ends the process at once. Rejects when it cannot start.
 */
export function runUntilSignal(starting: Promise<Running>, log: Logger): Promise<number> {
  return new Promise((resolve, reject) => {
    const unwatch = (): void => {
      for (const name of ['SIGTERM', 'SIGINT'] as const) process.off(name, onSignal);
    };
    let stoppingSince: number | undefined;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (stoppingSince !== undefined) {
        if (performance.now() - stoppingSince > REPEATED) process.exit(1);
        return;
      }
      stoppingSince = performance.now();
      log.info({ signal }, 'stopping');
      const limit = setTimeout(() => {
        log.error('the stop took too long; what was heard in the last second may be unwritten');
        process.exit(1);
      }, LIMIT);
      void starting
        .then((running) => running.stop())
        .then(
          () => 0,
          (error: unknown) => {
            log.error({ err: error }, 'the stop failed');
            return 1;
          },
        )
        .then((status) => {
          clearTimeout(limit);
          unwatch();
          log.info('stopped');
          resolve(status);
        });
    };
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, onSignal);
    starting.catch((error: unknown) => {
      unwatch();
      reject(error instanceof Error ? error : new Error(String(error)));
    });
  });
}
