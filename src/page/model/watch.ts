import { Refused } from './api.js';

/** Interval of requests. */
const INTERVAL_MS = 5_000;

/** Interval while the server answers 404: it is an older version, and a newer one may replace it. */
const SELDOM = 60_000;

/**
 * Polls a resource while the page is visible. It is independent of the stream: if a request fails, the
 * previous answer stays and grows old.
 */
export class Watch<T> {
  readonly #read: () => Promise<T>;
  readonly #changed: (answer: T | undefined) => void;
  /** Undefined while the page is not watched. */
  #sign: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isAsking = false;

  /** `read` rejects with {@link Refused}. `changed` gets undefined if the server has no answer. */
  constructor(read: () => Promise<T>, changed: (answer: T | undefined) => void) {
    this.#read = read;
    this.#changed = changed;
  }

  /**
   * Starts watching. Asks at once if it was not watching, or if `sign` differs, which means that the answer
   * has changed.
   */
  look(sign: number): void {
    if (sign === this.#sign) return;
    this.#sign = sign;
    if (!this.#isAsking) void this.#ask();
  }

  /** Stops watching. */
  rest(): void {
    this.#sign = undefined;
    clearTimeout(this.#timer);
  }

  async #ask(): Promise<void> {
    clearTimeout(this.#timer);
    this.#isAsking = true;
    const asked = this.#sign;
    const pause = await this.#question();
    this.#isAsking = false;
    if (this.#sign === undefined) return;
    // The answer lacks changes made since the request, so ask again at once after one.
    this.#timer = setTimeout(() => void this.#ask(), this.#sign === asked ? pause : 0);
  }

  /** Asks once. Resolves with the pause until the next request, and never rejects. */
  async #question(): Promise<number> {
    try {
      this.#changed(await this.#read());
    } catch (error) {
      if (error instanceof Refused && error.status === 404) {
        this.#changed(undefined);
        return SELDOM;
      }
    }
    return INTERVAL_MS;
  }
}
