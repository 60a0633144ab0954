import { LinkedList } from './linked-list.js';

/** How long the work of a turn may take, in milliseconds, before the rest waits for the next. */
const PER_TURN_MS = 2;

/**
 * The limit while new connections come. The system hands over one in each turn (libuv since 1.45), and each
 * waits for as many turns as there are before it, so turns must be short on average. Urgent work is exempt.
 */
const WHILE_ARRIVING = 0.25;

/**
 * Runs work in the order of arrival, for a few milliseconds at most in each turn of the event loop; one piece
 * may take longer. Between two turns sockets are read, so requests at the front door wait only for that time,
 * however many requests the server behind it has (bench/FLOOD.md). Urgent work goes first, but one piece of
 * other work runs in each turn all the same.
 */
export class LoopBudget {
  readonly #urgent = new LinkedList<() => void>();
  readonly #waiting = new LinkedList<() => void>();
  readonly #now: () => number;
  readonly #nextTurn: (resume: () => void) => void;
  /**
   * Milliseconds spent in this turn. For other than urgent work, also the excess of earlier turns while
   * connections came.
   */
  #spent = 0;
  #spentOnOthers = 0;
  /** Milliseconds that this turn has for other than urgent work. */
  #mostForOthers = PER_TURN_MS;
  #isArriving = false;
  #isPlanned = false;

  /**
   * A monotonic clock in milliseconds, and a function that runs a callback in the next turn; those of the
   * process by default.
   */
  constructor(
    now: () => number = () => performance.now(),
    nextTurn: (resume: () => void) => void = setImmediate,
  ) {
    this.#now = now;
    this.#nextTurn = nextTurn;
  }

  /** Records that a connection came in this turn; there may be more. */
  arrived(): void {
    this.#isArriving = true;
    this.#plan();
  }

  /** Runs work at once if there is time and nothing goes before it; otherwise later. */
  run(work: () => void, isUrgent = false): void {
    const isNext = !this.#urgent.first && (isUrgent || !this.#waiting.first);
    if (isNext && this.#hasTime(isUrgent)) this.#do(work, isUrgent);
    else (isUrgent ? this.#urgent : this.#waiting).add(work);
    this.#plan();
  }

  /** Runs work and resolves with its result; rejects with what it throws. */
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

  /** Runs the first piece of a queue; false if it is empty. */
  #doFirst(isUrgent: boolean): boolean {
    const row = isUrgent ? this.#urgent : this.#waiting;
    const { first } = row;
    if (!first) return false;
    row.remove(first);
    this.#do(first.value, isUrgent);
    return true;
  }
}
