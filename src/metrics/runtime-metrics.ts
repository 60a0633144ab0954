import { Counter, Histogram, type Registry } from 'prom-client';
import type { ProbeAnswer } from '../registry/cluster.js';
import { EVENT_TYPES, type EventType } from '../registry/events.js';
import {
  STORE_FAILURES,
  STORE_OPERATIONS,
  type RuntimeObserver,
  type StoreFailure,
  type StoreOperation,
} from '../runtime/observer.js';

const PROBE_ANSWERS = ['open', 'refused', 'unreachable', 'unknown'] as const satisfies readonly (
  ProbeAnswer | 'unknown'
)[];

/**
 * Counts what the registry does. Every series exists from the start with 0: one that appeared with its first
 * event would show no rate for it.
 */
export class RuntimeMetrics implements RuntimeObserver {
  readonly #events: Counter<'type'>;
  readonly #probes: Counter<'outcome'>;
  readonly #durations: Histogram<'operation'>;
  readonly #errors: Counter<'operation' | 'error'>;
  readonly #written: Histogram;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#events = new Counter({
      name: 'address_server_events_total',
      help: 'Changes of clusters that this server decided, by the type of the event.',
      labelNames: ['type'],
      registers,
    });
    for (const type of EVENT_TYPES) this.#events.inc({ type }, 0);
    this.#probes = new Counter({
      name: 'address_server_probes_total',
      help: "Probes of members' ports, by answer; unknown if this server could not try.",
      labelNames: ['outcome'],
      registers,
    });
    for (const answer of PROBE_ANSWERS) this.#probes.inc({ outcome: answer }, 0);
    this.#durations = new Histogram({
      name: 'address_server_store_operation_duration_seconds',
      help: 'How long the store took to answer or fail.',
      labelNames: ['operation'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5],
      registers,
    });
    this.#errors = new Counter({
      name: 'address_server_store_errors_total',
      help: 'Store operations that failed: the store was unavailable, other servers kept the cluster locked (busy), or another error.',
      labelNames: ['operation', 'error'],
      registers,
    });
    for (const operation of STORE_OPERATIONS) {
      this.#durations.zero({ operation });
      for (const error of STORE_FAILURES) this.#errors.inc({ operation, error }, 0);
    }
    this.#written = new Histogram({
      name: 'address_server_store_written_leases',
      help: 'Leases that one synchronisation with the store wrote.',
      buckets: [0, 1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000],
      registers,
    });
  }

  decided(type: EventType): void {
    this.#events.inc({ type });
  }

  probed(answer: ProbeAnswer | 'unknown'): void {
    this.#probes.inc({ outcome: answer });
  }

  asked(operation: StoreOperation, ms: number, error?: StoreFailure): void {
    this.#durations.observe({ operation }, ms / 1_000);
    if (error !== undefined) this.#errors.inc({ operation, error });
  }

  exchanged(writtenLeases: number): void {
    this.#written.observe(writtenLeases);
  }
}
