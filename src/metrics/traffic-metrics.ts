import { Counter, Histogram, type Registry } from 'prom-client';
import {
  OUTCOMES,
  HOLD_OUTCOMES,
  REASONS,
  REFUSALS,
  type Outcome,
  type RequestKind,
  type HoldOutcome,
  type OtherRequest,
  type Reason,
  type RefusalReason,
  type TrafficObserver,
} from '../http/http-observer.js';
import { Buckets, registerBuckets, type Series } from './buckets.js';

/** Upper ends of the buckets for polls and heartbeats, in milliseconds. A list takes some 20 µs. */
const BOUNDS_MS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500];

type ByOutcome = Readonly<Record<Outcome, Buckets>>;

/** Metrics of HTTP requests and their answers. */
export class TrafficMetrics implements TrafficObserver {
  readonly #holds: Histogram<'outcome'>;
  readonly #polls: Readonly<Record<RequestKind, ByOutcome>> = {
    poll: byOutcome(),
    plain: byOutcome(),
    heartbeat: byOutcome(),
  };
  readonly #requests: Counter<'route' | 'method' | 'status'>;
  readonly #durations: Histogram<'route' | 'method' | 'status'>;
  readonly #cut: Counter<'reason'>;
  readonly #refused: Counter<'reason'>;

  constructor(registry: Registry) {
    const registers = [registry];
    const { poll, plain, heartbeat } = this.#polls;
    new Counter({
      name: 'address_server_polls_total',
      help: 'Polls of lists by their answer, and by whether they name the node with self.',
      labelNames: ['self', 'outcome'],
      registers,
      collect() {
        this.reset();
        for (const outcome of OUTCOMES) {
          this.inc({ self: 'given', outcome }, poll[outcome].count);
          this.inc({ self: 'none', outcome }, plain[outcome].count);
        }
      },
    });
    new Counter({
      name: 'address_server_heartbeats_total',
      help: 'Heartbeats of members by their answer.',
      labelNames: ['outcome'],
      registers,
      collect() {
        this.reset();
        for (const outcome of OUTCOMES) this.inc({ outcome }, heartbeat[outcome].count);
      },
    });
    registerBuckets(
      registry,
      {
        name: 'address_server_poll_duration_seconds',
        help: 'Time from when a poll could be read until its answer was written, holds included, by answer.',
        bounds: BOUNDS_MS,
      },
      () => seriesOf([poll, plain]),
    );
    registerBuckets(
      registry,
      {
        name: 'address_server_heartbeat_duration_seconds',
        help: 'Time from when a heartbeat could be read until its answer was written, by answer.',
        bounds: BOUNDS_MS,
      },
      () => seriesOf([heartbeat]),
    );
    this.#holds = new Histogram({
      name: 'address_server_poll_hold_seconds',
      help: 'How long polls without an immediate list were held, by outcome.',
      labelNames: ['outcome'],
      buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 2.5],
      registers,
    });
    for (const outcome of HOLD_OUTCOMES) this.#holds.zero({ outcome });
    this.#requests = new Counter({
      name: 'address_server_http_requests_total',
      help: 'All other requests, by route, method and status.',
      labelNames: ['route', 'method', 'status'],
      registers,
    });
    this.#durations = new Histogram({
      name: 'address_server_http_request_duration_seconds',
      help: 'Time from the headers of any other request until its answer, without held requests (wait) and streams.',
      labelNames: ['route', 'method', 'status'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers,
    });
    this.#cut = new Counter({
      name: 'address_server_unterminated_responses_total',
      help: 'Answers left unterminated so that Nacos tries again, by the reason why there was no list.',
      labelNames: ['reason'],
      registers,
    });
    for (const reason of REASONS) this.#cut.inc({ reason }, 0);
    this.#refused = new Counter({
      name: 'address_server_refused_requests_total',
      help: 'Requests and connections that access control or a limit refused, or let through only in part.',
      labelNames: ['reason'],
      registers,
    });
    for (const reason of REFUSALS) this.#refused.inc({ reason }, 0);
  }

  answered(kind: RequestKind, outcome: Outcome, ms: number): void {
    this.#polls[kind][outcome].record(ms);
  }

  requested({ ms, ...labels }: OtherRequest): void {
    this.#requests.inc(labels);
    if (ms !== undefined) this.#durations.observe(labels, ms / 1_000);
  }

  cut(reason: Reason): void {
    this.#cut.inc({ reason });
  }

  held(ms: number, outcome: HoldOutcome): void {
    this.#holds.observe({ outcome }, ms / 1_000);
  }

  refused(reason: RefusalReason): void {
    this.#refused.inc({ reason });
  }
}

function byOutcome(): ByOutcome {
  return Object.fromEntries(OUTCOMES.map((outcome) => [outcome, new Buckets(BOUNDS_MS)])) as Record<
    Outcome,
    Buckets
  >;
}

/**
 * Series by outcome: that of lists always, others once they have occurred, since a histogram has many series.
 */
function seriesOf(kinds: readonly ByOutcome[]): Series[] {
  return OUTCOMES.map((outcome) => ({ labels: { outcome }, of: kinds.map((kind) => kind[outcome]) })).filter(
    ({ labels, of }) => labels.outcome === 'list' || of.some(({ count }) => count > 0),
  );
}
