import { pino, type Logger } from 'pino';
import { LogStream } from './log-stream.js';
import type { LogLevel } from './settings.js';

/**
 * JSON lines on standard output, or where it is asked for; readable text on a terminal. Logging never waits for whoever
 * reads it (log-stream.ts).
 */
export async function createLog(level: LogLevel, stream: 'stdout' | 'stderr' = 'stdout'): Promise<Logger> {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  const destination = process[stream].fd;
  if (!process[stream].isTTY) return pino(options, new LogStream(destination, tellLoss));
  // Only loaded where it is used: a server without a terminal does not pay for it.
  const { PinoPretty } = await import('pino-pretty');
  return pino(options, PinoPretty({ translateTime: 'SYS:standard', sync: true, destination }));
}

/** As pino writes a warning. */
function tellLoss(dropped: number): string {
  const msg = `${dropped} line(s) of this log were dropped here, since it was not read, or could not be written`;
  return JSON.stringify({ level: 40, time: new Date().toISOString(), dropped, msg });
}
