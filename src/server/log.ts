import { pino, type DestinationStream, type Logger } from 'pino';
import { LogStream } from './log-stream.js';
import type { LogLevel } from '../config/settings.js';

/**
 * Creates the log: JSON lines on standard output or the given stream, or readable text on a terminal. Logging
 * never waits for a reader (log-stream.ts). Node's warnings go there too from then on.
 */
export async function createLog(level: LogLevel, stream: 'stdout' | 'stderr' = 'stdout'): Promise<Logger> {
  const log = await logTo(level, stream);
  // Node's own handler writes to standard error and waits, however long that is not read.
  process.removeAllListeners('warning');
  process.on('warning', (err) => log.warn({ err }, 'a warning of Node.js'));
  return log;
}

async function logTo(level: LogLevel, stream: 'stdout' | 'stderr'): Promise<Logger> {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  const destination = process[stream].fd;
  if (!process[stream].isTTY) return pino(options, new LogStream(destination, tellLoss));
  // Loaded only on a terminal, so that other servers do not pay for it.
  const { prettyFactory } = await import('pino-pretty');
  const readable = prettyFactory({ translateTime: 'SYS:standard' });
  const terminal = new LogStream(destination, (dropped) => readable(tellLoss(dropped)).trimEnd());
  return pino(options, {
    write: (line: string) => terminal.write(readable(line)),
    flush: (done?: () => void) => terminal.flush(done),
  } as DestinationStream);
}

/** Formats a warning in pino's format. */
function tellLoss(dropped: number): string {
  const msg = `${dropped} line(s) of this log were dropped here, since the log was not read or could not be written`;
  return JSON.stringify({ level: 40, time: new Date().toISOString(), dropped, msg });
}
