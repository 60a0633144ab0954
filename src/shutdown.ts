import type { Logger } from 'pino';
import type { Running } from './main.js';

/** Nothing may hold up an exit for longer, in milliseconds. */
const LIMIT = 4_500;

/**
 * Stops the server on SIGTERM or SIGINT and resolves with the exit status. A second signal, or a stop that hangs,
 * ends the process at once.
 */
export function stopOnSignal(running: Running, log: Logger): Promise<number> {
  return new Promise((resolve) => {
    let stopping = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (stopping) process.exit(1);
      stopping = true;
      log.info({ signal }, 'stopping');
      const limit = setTimeout(() => {
        log.error('the stop took too long; what was heard in the last second may be unwritten');
        process.exit(1);
      }, LIMIT);
      void running
        .stop()
        .then(
          () => 0,
          (error: unknown) => {
            log.error({ err: error }, 'the stop failed');
            return 1;
          },
        )
        .then((status) => {
          clearTimeout(limit);
          for (const name of ['SIGTERM', 'SIGINT'] as const) process.off(name, onSignal);
          log.info('stopped');
          resolve(status);
        });
    };
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, onSignal);
  });
}
