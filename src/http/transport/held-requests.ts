import type { ServerResponse } from 'node:http';

/**
 * Gives each held request a signal that aborts when the client disconnects or the server stops. (Not
 * AbortSignal.any: node 20 keeps something of each of its signals for as long as the server's own lives.)
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

  /** Whether the server is stopping. */
  get isOver(): boolean {
    return this.#stopped;
  }

  /** How many requests are held, or may yet be. */
  get held(): number {
    return this.#held.size;
  }

  /** Ends the hold of every request. */
  stop(): void {
    this.#stopped = true;
    for (const controller of this.#held) controller.abort();
    this.#held.clear();
  }
}
