import type { Parsed } from '../registry/address.js';

/** How long a number that was passed over may still come: a decision is given up after 2 s. */
const LATE_LIMIT_MS = 10_000;

/** Passed-over ranges that are kept; the oldest are given up first. */
const MAX_GAPS = 32;

/** Numbers that were passed over, both ends included. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  /** When that was seen. */
  readonly since: number;
}

/**
 * Which events were seen. Several servers number them in one row, but commit them in any order, so a smaller number
 * may come after a larger one: the cursor knows the largest, and which ones below it may still come. Written as text,
 * `105~98-101,103`, it lets a reader go on at another server without a gap and without doubles.
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

  /** Numbers below it that may still come. */
  get gaps(): readonly Gap[] {
    return this.#gaps;
  }

  /** What comes after this number must be looked at; the last one seen is among it. */
  get from(): number {
    return Math.max(0, Math.min(this.#last, ...this.#gaps.map(({ from }) => from)) - 1);
  }

  copy(): EventCursor {
    return new EventCursor(this.#last, this.#gaps);
  }

  /** Whether the event was not seen yet. */
  wants(seq: number): boolean {
    return seq > this.#last || this.#gaps.some(({ from, to }) => from <= seq && seq <= to);
  }

  /** Takes note of an event. False when it was seen before, or is too late. */
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

  /** Gives up what can come no more: a decision that failed leaves a gap for good. */
  expire(now = performance.now()): void {
    if (this.#gaps.length > 0) this.#gaps = this.#gaps.filter(({ since }) => now - since < LATE_LIMIT_MS);
  }

  /** Of what was passed over, only that may still come which has not come there either. */
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

/** Reads what {@link EventCursor.toString} wrote, or the number of an event. The problem is the end of a sentence. */
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
