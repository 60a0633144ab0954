import type { ServerResponse } from 'node:http';

/**
 * Says who of those held still waits for an answer: a signal for each, which aborts when the caller hangs up or
 * the server stops. (AbortSignal.any would do, but node 20 keeps something of each of its signals for as long as
 * the server's own lives.)
 */
export class HeldRequests {
  readonly #held = new Set<AbortController>();
  #stopped = false;

  of(response: ServerResponse): AbortSignal {
    const controller = new AbortController();
    if (this.#stopped) controller.abort();
    else this.#held.add(controller);
    response.once('close', () => {
      this.#held.delete(controller);
      controller.abort();
    });
    return controller.signal;
  }

  /** Whether the server stops. */
  get isOver(): boolean {
    return this.#stopped;
  }

  /** How many requests are held, or may yet be. */
  get held(): number {
    return this.#held.size;
  }

  /** Nobody is held any more. */
  stop(): void {
    this.#stopped = true;
    for (const controller of this.#held) controller.abort();
    this.#held.clear();
  }
}
