import type { Logger } from 'pino';
import type { Running } from './start.js';

/** How long a stop may take before the process exits anyway. */
const STOP_LIMIT_MS = 4_500;

/**
 * Two signals within this time count as one: on Ctrl-C the terminal sends SIGINT to `npm start` and to the
 * server, and npm passes its own on.
 */
const REPEAT_WINDOW_MS = 500;

/**
 * Runs the server until SIGTERM or SIGINT, even one during the start, and resolves with the exit status. A
 * second signal, or a stop that hangs, ends the process at once. Rejects if it cannot start.
 */
export function runUntilSignal(starting: Promise<Running>, log: Logger): Promise<number> {
  return new Promise((resolve, reject) => {
    const unwatch = (): void => {
      for (const name of ['SIGTERM', 'SIGINT'] as const) process.off(name, onSignal);
    };
    let stoppingSince: number | undefined;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (stoppingSince !== undefined) {
        if (performance.now() - stoppingSince > REPEAT_WINDOW_MS) exitNow(1);
        return;
      }
      stoppingSince = performance.now();
      log.info({ signal }, 'stopping');
      const limit = setTimeout(() => {
        log.error('the stop took too long; polls of the last second may not be stored');
        exitNow(1);
      }, STOP_LIMIT_MS);
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

/** How long writing the log may take. */
const FLUSH_LIMIT_MS = 500;

/**
 * Ends this process now, whatever is under way: its result is no longer needed, and a probe, a request or a
 * look-up could take its own time.
 */
export async function endProcess(status: number, log: Logger): Promise<never> {
  await Promise.race([
    new Promise<void>((resolve) => log.flush(() => resolve())),
    new Promise<void>((resolve) => setTimeout(resolve, FLUSH_LIMIT_MS)),
  ]);
  return exitNow(status);
}

/**
 * Exits at once. exit() waits for libuv's threads, and one that looks a name up may take minutes; a signal
 * does not wait. To a service manager it is as good an end as status 0.
 */
function exitNow(status: number): never {
  if (process.getActiveResourcesInfo().includes('GetAddrInfoReqWrap')) {
    process.removeAllListeners('SIGTERM');
    process.kill(process.pid, 'SIGTERM');
  }
  process.exit(status);
}
