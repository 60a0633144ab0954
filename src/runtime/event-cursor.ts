import type { Parsed } from '../registry/address.js';

/** How long a skipped number may still appear: a decision is given up after 2 s. */
const LATE_LIMIT_MS = 10_000;

/** Most ranges of skipped numbers that are kept; the oldest are given up first. */
const MAX_GAPS = 32;

/** A range of skipped numbers, both ends included. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  /** When the range was first seen, by performance.now(). */
  readonly since: number;
}

/**
 * Which events a reader has seen. Several servers number events in one row but commit them in any order, so a
 * smaller number may appear after a larger one. The cursor knows the largest, and which ones below it may
 * still appear. Its text, such as `105~98-101,103`, lets a reader go on at another server without gaps or
 * duplicates.
 */
export class EventCursor {
  #last: number;
  #gaps: readonly Gap[];

  constructor(last = 0, gaps: readonly Gap[] = []) {
    this.#last = last;
    this.#gaps = gaps;
  }

  /** The largest number seen; 0 for none. */
  get last(): number {
    return this.#last;
  }

  /** Ranges of numbers below {@link last} that may still appear. */
  get gaps(): readonly Gap[] {
    return this.#gaps;
  }

  /** Events after this number must be read; the last one seen is among them. */
  get from(): number {
    return Math.max(0, Math.min(this.#last, ...this.#gaps.map(({ from }) => from)) - 1);
  }

  copy(): EventCursor {
    return new EventCursor(this.#last, this.#gaps);
  }

  /** Whether the event has not been seen yet and may still be taken. */
  wants(seq: number): boolean {
    return seq > this.#last || this.#gaps.some(({ from, to }) => from <= seq && seq <= to);
  }

  /** Notes an event. False when it was seen before, or appears too late. */
  take(seq: number, now = performance.now()): boolean {
    if (!this.wants(seq)) return false;
    if (seq > this.#last) {
      const passedOver = { from: this.#last + 1, to: seq - 1, since: now };
      this.#last = seq;
      this.#gaps = [...this.#gaps, passedOver].filter(({ from, to }) => from <= to).slice(-MAX_GAPS);
      return true;
    }
    this.#gaps = this.#gaps
      .flatMap((gap) =>
        gap.from <= seq && seq <= gap.to
          ? [
              { ...gap, to: seq - 1 },
              { ...gap, from: seq + 1 },
            ]
          : [gap],
      )
      .filter(({ from, to }) => from <= to);
    return true;
  }

  /** Gives up skipped numbers that cannot appear any more: a failed decision leaves a gap for good. */
  expire(now = performance.now()): void {
    if (this.#gaps.length > 0) this.#gaps = this.#gaps.filter(({ since }) => now - since < LATE_LIMIT_MS);
  }

  /** Of the skipped numbers, keeps those that the other cursor still expects or has not reached. */
  trust({ last, gaps }: EventCursor): void {
    const open = [...gaps, { from: last + 1, to: Infinity }];
    this.#gaps = this.#gaps.flatMap((gap) =>
      open
        .map((other) => ({
          from: Math.max(gap.from, other.from),
          to: Math.min(gap.to, other.to),
          since: gap.since,
        }))
        .filter(({ from, to }) => from <= to),
    );
  }

  toString(): string {
    if (this.#gaps.length === 0) return String(this.#last);
    const ranges = this.#gaps.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`));
    return `${this.#last}~${ranges.join(',')}`;
  }
}

/**
 * Reads what {@link EventCursor.toString} wrote, or the number of an event. The problem is the end of a
 * sentence.
 */
export function parseCursor(text: string): Parsed<EventCursor> {
  const match = /^(\d{1,15})(?:~([\d,-]{1,1200}))?$/.exec(text);
  const gaps = (match?.[2]?.split(',') ?? []).map((range) => /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(range));
  if (!match || gaps.length > MAX_GAPS || gaps.includes(null)) {
    return {
      ok: false,
      problem: 'is neither the number of an event nor the id of a message of the stream',
    };
  }
  const since = performance.now();
  const read = gaps.map((range): Gap => {
    const from = Number(range?.[1]);
    return { from, to: Number(range?.[2] ?? from), since };
  });
  return { ok: true, value: new EventCursor(Number(match[1]), read) };
}
