import { setImmediate } from 'node:timers/promises';

/** How long work may go on before others are let through: polls wait meanwhile. */
const SLICE_LIMIT_MS = 2;

/** Lets long work make room for everything else again and again. */
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
