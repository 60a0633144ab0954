import { Counter, Histogram, type Registry } from 'prom-client';
import {
  ANSWERS,
  HOLD_ENDS,
  REASONS,
  REFUSALS,
  type Answer,
  type Ask,
  type HoldEnd,
  type OtherRequest,
  type Reason,
  type RefusalReason,
  type TrafficObserver,
} from '../http/traffic.js';
import { Buckets, registerBuckets, type Series } from './buckets.js';

/** Upper ends of the buckets of polls and heartbeats, in milliseconds. A list takes some 20 µs. */
const BOUNDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500];

type ByAnswer = Readonly<Record<Answer, Buckets>>;

/** What is asked of the server over HTTP, and what it answers. */
export class TrafficMetrics implements TrafficObserver {
  readonly #holds: Histogram<'end'>;
  readonly #polls: Readonly<Record<Ask, ByAnswer>> = {
    poll: byAnswer(),
    plain: byAnswer(),
    heartbeat: byAnswer(),
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
      help: 'Polls of lists by their answer, and by whether they say with self who asks.',
      labelNames: ['self', 'answer'],
      registers,
      collect() {
        this.reset();
        for (const answer of ANSWERS) {
          this.inc({ self: 'given', answer }, poll[answer].count);
          this.inc({ self: 'none', answer }, plain[answer].count);
        }
      },
    });
    new Counter({
      name: 'address_server_heartbeats_total',
      help: 'Heartbeats of members by their answer.',
      labelNames: ['answer'],
      registers,
      collect() {
        this.reset();
        for (const answer of ANSWERS) this.inc({ answer }, heartbeat[answer].count);
      },
    });
    registerBuckets(
      registry,
      {
        name: 'address_server_poll_duration_seconds',
        help: 'Time from when a poll could be read until its answer was written, holds included, by the answer.',
        bounds: BOUNDS,
      },
      () => seriesOf([poll, plain]),
    );
    registerBuckets(
      registry,
      {
        name: 'address_server_heartbeat_duration_seconds',
        help: 'Time from when a heartbeat could be read until its answer was written, by the answer.',
        bounds: BOUNDS,
      },
      () => seriesOf([heartbeat]),
    );
    this.#holds = new Histogram({
      name: 'address_server_poll_hold_seconds',
      help: 'How long polls were held that could not be answered with a list at once, by how that ended.',
      labelNames: ['end'],
      buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 2.5],
      registers,
    });
    for (const end of HOLD_ENDS) this.#holds.zero({ end });
    this.#requests = new Counter({
      name: 'address_server_requests_total',
      help: 'All other requests, by route, method and status.',
      labelNames: ['route', 'method', 'status'],
      registers,
    });
    this.#durations = new Histogram({
      name: 'address_server_request_duration_seconds',
      help: 'Time from the headers of any other request until its answer; without those that asked to be held (wait) and streams.',
      labelNames: ['route', 'method', 'status'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers,
    });
    this.#cut = new Counter({
      name: 'address_server_unterminated_answers_total',
      help: 'Answers that were left unterminated, which a Nacos tries again, by why there was no list.',
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

  answered(ask: Ask, answer: Answer, ms: number): void {
    this.#polls[ask][answer].record(ms);
  }

  requested({ ms, ...labels }: OtherRequest): void {
    this.#requests.inc(labels);
    if (ms !== undefined) this.#durations.observe(labels, ms / 1_000);
  }

  cut(reason: Reason): void {
    this.#cut.inc({ reason });
  }

  held(ms: number, end: HoldEnd): void {
    this.#holds.observe({ end }, ms / 1_000);
  }

  refused(reason: RefusalReason): void {
    this.#refused.inc({ reason });
  }
}

function byAnswer(): ByAnswer {
  return Object.fromEntries(ANSWERS.map((answer) => [answer, new Buckets(BOUNDS)])) as Record<
    Answer,
    Buckets
  >;
}

/** Lists always; every other answer once it was given, since a histogram has many series. */
function seriesOf(kinds: readonly ByAnswer[]): Series[] {
  return ANSWERS.map((answer) => ({ labels: { answer }, of: kinds.map((kind) => kind[answer]) })).filter(
    ({ labels, of }) => labels.answer === 'list' || of.some(({ count }) => count > 0),
  );
}
