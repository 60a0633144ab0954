import { Row } from './row.js';

/** How long work of a turn may take before what is left waits for the next, in milliseconds. */
const PER_TURN = 2;

/**
 * Runs work that comes at any time, for a few milliseconds at most in each turn of the event loop, in the order in which
 * it came; one piece of it may take longer. Between two turns sockets are read, so what the front door answers waits for
 * that time only, however many requests there are for the server behind it (bench/FLOOD.md).
 */
export class FairShare {
  readonly #waiting = new Row<() => void>();
  readonly #now: () => number;
  readonly #nextTurn: (resume: () => void) => void;
  /** Milliseconds of this turn. */
  #spent = 0;
  #isPlanned = false;

  /** A monotonic clock in milliseconds, and what runs something in the next turn; those of the process by default. */
  constructor(
    now: () => number = () => performance.now(),
    nextTurn: (resume: () => void) => void = setImmediate,
  ) {
    this.#now = now;
    this.#nextTurn = nextTurn;
  }

  /** At once, when there is time and nothing waits. */
  run(work: () => void): void {
    if (this.#waiting.first || this.#spent >= PER_TURN) this.#waiting.add(work);
    else this.#do(work);
    this.#plan();
  }

  #do(work: () => void): void {
    const since = this.#now();
    try {
      work();
    } finally {
      this.#spent += this.#now() - since;
    }
  }

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    this.#nextTurn(() => {
      this.#isPlanned = false;
      this.#spent = 0;
      try {
        for (let { first } = this.#waiting; first && this.#spent < PER_TURN; { first } = this.#waiting) {
          this.#waiting.remove(first);
          this.#do(first.value);
        }
      } finally {
        if (this.#waiting.first) this.#plan();
      }
    });
  }
}
