import type { Texts } from './en.js';

type Units = Pick<Texts, 'duration' | 'comma'>;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Formats numbers and times for the reader's locale and time zone. */
export class Format {
  readonly #number: Intl.NumberFormat;
  readonly #time: Intl.DateTimeFormat;
  readonly #moment: Intl.DateTimeFormat;
  readonly #day: Intl.DateTimeFormat;
  readonly #units: Texts['duration'];
  readonly #comma: string;
  /** The zone's name with its current offset: "Europe/Berlin (GMT+1)". */
  readonly zone: string;

  constructor(tag: string, { duration, comma }: Units) {
    this.#units = duration;
    this.#comma = comma;
    this.#number = new Intl.NumberFormat(tag);
    this.#time = new Intl.DateTimeFormat(tag, {
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
    });
    this.#moment = new Intl.DateTimeFormat(tag, {
      dateStyle: 'medium',
      timeStyle: 'medium',
      hourCycle: 'h23',
    });
    this.#day = new Intl.DateTimeFormat(tag, {
      weekday: 'short',
      day: 'numeric',
      month: 'short',
      year: 'numeric',
    });
    const { timeZone } = this.#time.resolvedOptions();
    const offset = new Intl.DateTimeFormat('en', { timeZoneName: 'shortOffset' })
      .formatToParts()
      .find(({ type }) => type === 'timeZoneName')?.value;
    this.zone = offset === undefined || offset === timeZone ? timeZone : `${timeZone} (${offset})`;
  }

  number(value: number): string {
    return this.#number.format(value);
  }

  list(all: readonly string[]): string {
    return all.join(this.#comma);
  }

  /** The time of day, to the second. */
  time(iso: string): string {
    return this.#time.format(new Date(iso));
  }

  moment(iso: string): string {
    return this.#moment.format(new Date(iso));
  }

  day(iso: string): string {
    return this.#day.format(new Date(iso));
  }

  /** A duration in its two largest units, rounded down: "3 s", "2 min 5 s", "4 h 10 min". */
  duration(ms: number): string {
    const units: readonly (readonly [length: number, write: (n: string) => string])[] = [
      [DAY, this.#units.days],
      [HOUR, this.#units.hours],
      [MINUTE, this.#units.minutes],
      [SECOND, this.#units.seconds],
    ];
    const whole = Math.max(0, ms);
    const first = units.findIndex(([length]) => whole >= length);
    const [length, write] = units[first < 0 ? units.length - 1 : first] ?? [SECOND, this.#units.seconds];
    const text = write(this.number(Math.floor(whole / length)));
    const next = first < 0 ? undefined : units[first + 1];
    if (!next) return text;
    const rest = Math.floor((whole % length) / next[0]);
    return rest === 0 ? text : `${text} ${next[1](this.number(rest))}`;
  }
}

/** A key for the local day of a time. */
export function dayKey(time: string | number): string {
  const date = new Date(time);
  return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
}
