import { setImmediate } from 'node:timers/promises';

/** How long work may run before it yields, in milliseconds: polls wait meanwhile. */
const SLICE_LIMIT_MS = 2;

/** Lets long work yield to the event loop at intervals. */
export class TimeSlicer {
  #since = performance.now();

  get isDue(): boolean {
    return performance.now() - this.#since >= SLICE_LIMIT_MS;
  }

  async breathe(): Promise<void> {
    await setImmediate();
    this.#since = performance.now();
  }
}
