import { setImmediate } from 'node:timers/promises';

/** How long work may go on before others are let through, in milliseconds: polls wait meanwhile. */
const AT_MOST = 2;

/** Lets long work make room for everything else again and again. */
export class TimeSlicer {
  #since = performance.now();

  get isDue(): boolean {
    return performance.now() - this.#since >= AT_MOST;
  }

  async breathe(): Promise<void> {
    await setImmediate();
    this.#since = performance.now();
  }
}
