import type { Logger } from 'pino';

/** How long the same is not said again. */
const QUIET_PERIOD_MS = 60_000;

/** Warnings about what strangers can bring about as often as they like: each is said at most once a minute. */
export class LogThrottle {
  readonly #log: Logger;
  readonly #saidAt = new Map<string, number>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** `sentence` tells one warning from another, so it must not hold what a stranger sent. */
  warn(fields: object, sentence: string): void {
    const now = performance.now();
    if (now - (this.#saidAt.get(sentence) ?? -Infinity) < QUIET_PERIOD_MS) return;
    this.#saidAt.set(sentence, now);
    this.#log.warn(fields, sentence);
  }
}
