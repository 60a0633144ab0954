import { pino, type Logger } from 'pino';

/** A log whose lines a test reads. */
export function recordingLog(): { log: Logger; lines: () => Record<string, unknown>[]; text: () => string } {
  let text = '';
  const log = pino({ level: 'debug', base: null }, { write: (line: string) => void (text += line) });
  const lines = (): Record<string, unknown>[] =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { log, lines, text: () => text };
}
