import { pino, type Logger } from 'pino';
import { PinoPretty } from 'pino-pretty';
import type { LogLevel } from './config.js';

/** JSON lines on standard output; readable text on a terminal. */
export function createLog(level: LogLevel): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!process.stdout.isTTY) return pino(options, pino.destination({ sync: true }));
  return pino(options, PinoPretty({ translateTime: 'SYS:standard', sync: true }));
}
