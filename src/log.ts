import { pino, type Logger } from 'pino';
import type { LogLevel } from './settings.js';

/** JSON lines on standard output, or where it is asked for; readable text on a terminal. */
export async function createLog(level: LogLevel, stream: 'stdout' | 'stderr' = 'stdout'): Promise<Logger> {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  const destination = process[stream].fd;
  if (!process[stream].isTTY) {
    const lines = pino.destination({ dest: destination, sync: true });
    // A full disk under the log, or a reader that is gone, is no reason to end what is logged.
    lines.on('error', () => undefined);
    return pino(options, lines);
  }
  // Only loaded where it is used: a server without a terminal does not pay for it.
  const { PinoPretty } = await import('pino-pretty');
  return pino(options, PinoPretty({ translateTime: 'SYS:standard', sync: true, destination }));
}
