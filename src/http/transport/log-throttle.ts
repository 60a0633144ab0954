import type { Logger } from 'pino';

/** How long the same warning is suppressed. */
const QUIET_PERIOD_MS = 60_000;

/** Logs warnings that strangers can trigger at will, each at most once a minute. */
export class LogThrottle {
  readonly #log: Logger;
  readonly #saidAt = new Map<string, number>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** `sentence` identifies the warning, so it must not contain what a stranger sent. */
  warn(fields: object, sentence: string): void {
    const now = performance.now();
    if (now - (this.#saidAt.get(sentence) ?? -Infinity) < QUIET_PERIOD_MS) return;
    this.#saidAt.set(sentence, now);
    this.#log.warn(fields, sentence);
  }
}
