import { LinkedList } from './linked-list.js';

/** How long work of a turn may take before what is left waits for the next. */
const PER_TURN_MS = 2;

/**
 * The same while new connections come, of which the system hands over one in each turn (libuv since 1.45): they wait for as
 * many turns as there are before them, so turns must be short, on the average. Urgent work is not held up by that.
 */
const WHILE_ARRIVING = 0.25;

/**
 * Runs work that comes at any time, for a few milliseconds at most in each turn of the event loop, in the order in which
 * it came; one piece of it may take longer. Between two turns sockets are read, so what the front door answers waits for
 * that time only, however many requests there are for the server behind it (bench/FLOOD.md). Urgent work comes before all
 * other, of which one piece is done in each turn all the same.
 */
export class LoopBudget {
  readonly #urgent = new LinkedList<() => void>();
  readonly #waiting = new LinkedList<() => void>();
  readonly #now: () => number;
  readonly #nextTurn: (resume: () => void) => void;
  /** Milliseconds of this turn; of other than urgent work, those of turns before, too, which were too many while connections came. */
  #spent = 0;
  #spentOnOthers = 0;
  /** Milliseconds that this turn has for other than urgent work. */
  #mostForOthers = PER_TURN_MS;
  #isArriving = false;
  #isPlanned = false;

  /** A monotonic clock in milliseconds, and what runs something in the next turn; those of the process by default. */
  constructor(
    now: () => number = () => performance.now(),
    nextTurn: (resume: () => void) => void = setImmediate,
  ) {
    this.#now = now;
    this.#nextTurn = nextTurn;
  }

  /** A connection has come in this turn; there may be more. */
  arrived(): void {
    this.#isArriving = true;
    this.#plan();
  }

  /** At once, when there is time and nothing waits that comes before it. */
  run(work: () => void, isUrgent = false): void {
    const isNext = !this.#urgent.first && (isUrgent || !this.#waiting.first);
    if (isNext && this.#hasTime(isUrgent)) this.#do(work, isUrgent);
    else (isUrgent ? this.#urgent : this.#waiting).add(work);
    this.#plan();
  }

  /** The same for work with a result; rejects with what it throws. */
  call<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.run(() => {
        try {
          resolve(work());
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
  }

  #hasTime(isUrgent: boolean): boolean {
    return this.#spent < PER_TURN_MS && (isUrgent || this.#spentOnOthers < this.#mostForOthers);
  }

  #do(work: () => void, isUrgent: boolean): void {
    const since = this.#now();
    try {
      work();
    } finally {
      const took = this.#now() - since;
      this.#spent += took;
      if (!isUrgent) this.#spentOnOthers += took;
    }
  }

  #begin(): void {
    this.#spent = 0;
    this.#mostForOthers = this.#isArriving ? WHILE_ARRIVING : PER_TURN_MS;
    this.#spentOnOthers = this.#isArriving ? Math.max(0, this.#spentOnOthers - WHILE_ARRIVING) : 0;
    this.#isArriving = false;
  }

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    this.#nextTurn(() => {
      this.#isPlanned = false;
      this.#begin();
      try {
        if (this.#hasTime(false)) this.#doFirst(false);
        while (this.#hasTime(true) && this.#doFirst(true));
        while (this.#hasTime(false) && this.#doFirst(false));
      } finally {
        if (this.#urgent.first || this.#waiting.first) this.#plan();
      }
    });
  }

  /** False when nothing waits there. */
  #doFirst(isUrgent: boolean): boolean {
    const row = isUrgent ? this.#urgent : this.#waiting;
    const { first } = row;
    if (!first) return false;
    row.remove(first);
    this.#do(first.value, isUrgent);
    return true;
  }
}
