import { Refused } from './api.js';

/** Between two questions. */
const INTERVAL_MS = 5_000;

/** The same where the server has no answer: it is an older one, and another may take its place. */
const SELDOM = 60_000;

/**
 * Asks for something again and again while somebody looks. It goes beside the stream, and what becomes of it is nothing to
 * the stream: of a question that fails the answer before it is kept, and grows old.
 */
export class Watch<T> {
  readonly #read: () => Promise<T>;
  readonly #changed: (answer: T | undefined) => void;
  /** Undefined while nobody looks. */
  #sign: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isAsking = false;

  /** `read` rejects with {@link Refused}. `changed` gets undefined when the server has no answer. */
  constructor(read: () => Promise<T>, changed: (answer: T | undefined) => void) {
    this.#read = read;
    this.#changed = changed;
  }

  /** Somebody looks; another `sign` than before says that the answer is another. Asks at once then, and when nobody looked. */
  look(sign: number): void {
    if (sign === this.#sign) return;
    this.#sign = sign;
    if (!this.#isAsking) void this.#ask();
  }

  /** Nobody looks any more. */
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
    // What has changed since the question was put is not in its answer.
    this.#timer = setTimeout(() => void this.#ask(), this.#sign === asked ? pause : 0);
  }

  /** Resolves with when to ask again. Never rejects. */
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
