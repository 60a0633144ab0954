import { pino, type DestinationStream, type Logger } from 'pino';
import { LogStream } from './log-stream.js';
import type { LogLevel } from '../config/settings.js';

/**
 * JSON lines on standard output, or where it is asked for; readable text on a terminal. Logging never waits for whoever
 * reads it (log-stream.ts). From then on Node's warnings go there, too.
 */
export async function createLog(level: LogLevel, stream: 'stdout' | 'stderr' = 'stdout'): Promise<Logger> {
  const log = await logTo(level, stream);
  // Node's own way writes to standard error and waits for it, however long nobody reads there.
  process.removeAllListeners('warning');
  process.on('warning', (err) => log.warn({ err }, 'a warning of Node.js'));
  return log;
}

async function logTo(level: LogLevel, stream: 'stdout' | 'stderr'): Promise<Logger> {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  const destination = process[stream].fd;
  if (!process[stream].isTTY) return pino(options, new LogStream(destination, tellLoss));
  // Only loaded where it is used: a server without a terminal does not pay for it.
  const { prettyFactory } = await import('pino-pretty');
  const readable = prettyFactory({ translateTime: 'SYS:standard' });
  const terminal = new LogStream(destination, (dropped) => readable(tellLoss(dropped)).trimEnd());
  return pino(options, {
    write: (line: string) => terminal.write(readable(line)),
    flush: (done?: () => void) => terminal.flush(done),
  } as DestinationStream);
}

/** As pino writes a warning. */
function tellLoss(dropped: number): string {
  const msg = `${dropped} line(s) of this log were dropped here, since the log was not read or could not be written`;
  return JSON.stringify({ level: 40, time: new Date().toISOString(), dropped, msg });
}
