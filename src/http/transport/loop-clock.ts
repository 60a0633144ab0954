/**
 * Tells since when a request that is read straight from a socket has waited. In each turn the event loop
 * finds all readable sockets at once and reads them one after the other, so each has waited since the turn
 * began. Latencies then include the wait for earlier sockets, which is most of it under load. It also saves a
 * clock reading per request.
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
