/**
 * Says since when a request has waited that is read straight from a socket. The event loop turns to all sockets that
 * have something to read at once, and reads them one after the other: each has waited since that moment, not only since
 * its own turn came. So a latency counts the wait for those before it, which is most of it under load; it is also one
 * look at the clock less for each.
 */
export class LoopClock {
  #startedAt = 0;
  #isTurning = false;

  /** When the present turn started, performance.now(). */
  start(): number {
    if (!this.#isTurning) {
      this.#isTurning = true;
      this.#startedAt = performance.now();
      // Runs when all sockets have been read.
      setImmediate(this.#end);
    }
    return this.#startedAt;
  }

  readonly #end = (): void => void (this.#isTurning = false);
}
