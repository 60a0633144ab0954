import { readHealth, Refused } from './api.js';
import type { ClusterHealth } from './types.js';

/** Between two questions, in milliseconds. */
const EVERY = 5_000;

/** The same where the server has no answer: it is an older one, and another may take its place. */
const SELDOM = 60_000;

/**
 * Asks for one cluster's health again and again while somebody looks. It goes beside the stream, and what becomes of it
 * is nothing to the stream: of a question that fails the answer before it is kept, and grows old.
 */
export class HealthWatch {
  readonly #key: string;
  readonly #changed: (health: ClusterHealth | undefined) => void;
  /** Undefined while nobody looks. */
  #revision: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isAsking = false;

  /** `changed` gets undefined when the server has no answer. */
  constructor(key: string, changed: (health: ClusterHealth | undefined) => void) {
    this.#key = key;
    this.#changed = changed;
  }

  /** Somebody looks, and the list has this revision. Asks at once when it had another, or nobody looked. */
  look(revision: number): void {
    if (revision === this.#revision) return;
    this.#revision = revision;
    if (!this.#isAsking) void this.#ask();
  }

  /** Nobody looks any more. */
  rest(): void {
    this.#revision = undefined;
    clearTimeout(this.#timer);
  }

  async #ask(): Promise<void> {
    clearTimeout(this.#timer);
    this.#isAsking = true;
    const asked = this.#revision;
    const pause = await this.#question();
    this.#isAsking = false;
    if (this.#revision === undefined) return;
    // What has changed since the question was put is not in its answer.
    this.#timer = setTimeout(() => void this.#ask(), this.#revision === asked ? pause : 0);
  }

  /** Resolves with when to ask again. Never rejects. */
  async #question(): Promise<number> {
    try {
      this.#changed(await readHealth(this.#key));
    } catch (error) {
      if (error instanceof Refused && error.status === 404) {
        this.#changed(undefined);
        return SELDOM;
      }
    }
    return EVERY;
  }
}
