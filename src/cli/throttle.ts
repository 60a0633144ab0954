/**
 * Runs an action on request, but at most once per interval; a request that comes too early is served late.
 */
export class Throttle {
  readonly #action: () => Promise<void>;
  readonly #every: number;
  #doneAt = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #isDoing = false;
  #isAsked = false;
  #fail: (error: unknown) => void = () => undefined;
  /** Rejects when the action does. */
  readonly failed: Promise<never>;

  /** `every`: milliseconds between the end of one run and the start of the next. */
  constructor(action: () => Promise<void>, every: number) {
    this.#action = action;
    this.#every = every;
    this.failed = new Promise((_, reject) => (this.#fail = reject));
    // The caller may wait for this promise, but need not.
    this.failed.catch(() => undefined);
  }

  ask(): void {
    this.#isAsked = true;
    this.#plan();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #plan(): void {
    if (!this.#isAsked || this.#isDoing || this.#timer) return;
    const pause = Math.max(0, this.#doneAt + this.#every - performance.now());
    this.#timer = setTimeout(() => void this.#do(), pause);
  }

  async #do(): Promise<void> {
    this.#timer = undefined;
    this.#isAsked = false;
    this.#isDoing = true;
    try {
      await this.#action();
    } catch (error) {
      this.#fail(error);
    }
    this.#isDoing = false;
    this.#doneAt = performance.now();
    // Requested during the run, whose result may be out of date.
    this.#plan();
  }
}
