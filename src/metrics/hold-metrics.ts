import { Histogram, type Registry } from 'prom-client';
import { HOLD_ENDS, type HoldEnd } from '../runtime/observer.js';

/** How long polls are held: at the gate and until servers agree (src/runtime), and when they are refused (src/http). */
export class HoldMetrics {
  readonly #holds: Histogram<'end'>;

  constructor(registry: Registry) {
    this.#holds = new Histogram({
      name: 'address_server_poll_hold_seconds',
      help: 'How long polls were held that could not be answered with a list at once, by how that ended.',
      labelNames: ['end'],
      buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 2.5],
      registers: [registry],
    });
    for (const end of HOLD_ENDS) this.#holds.zero({ end });
  }

  /** Milliseconds. */
  record(ms: number, end: HoldEnd): void {
    this.#holds.observe({ end }, ms / 1_000);
  }
}
