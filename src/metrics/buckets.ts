import type { Histogram, Registry } from 'prom-client';

/**
 * A histogram of durations, counted in place. prom-client's own takes some 0.5 µs an observation, a fifth of
 * the server's time for a poll.
 */
export class Buckets {
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;

  /**
   * `bounds`: upper ends of the buckets in milliseconds, ascending; observations in the first ones are the
   * cheapest.
   */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  /** Milliseconds. */
  record(ms: number): void {
    const bounds = this.#bounds;
    let i = 0;
    while (i < bounds.length && ms > (bounds[i] ?? Infinity)) i++;
    this.#counts[i] = (this.#counts[i] ?? 0) + 1;
    this.#sum += ms;
  }

  /** Number of observations. */
  get count(): number {
    let count = 0;
    for (const one of this.#counts) count += one;
    return count;
  }

  /** Milliseconds. */
  get sum(): number {
    return this.#sum;
  }

  /** Number of observations up to each bound. */
  cumulative(): number[] {
    let count = 0;
    return this.#bounds.map((_, i) => (count += this.#counts[i] ?? 0));
  }
}

export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** The buckets whose sum this series shows; all have the same bounds. */
  readonly of: readonly Buckets[];
}

/**
 * Registers a histogram of {@link Buckets}, in seconds. prom-client asks a registered metric only for its
 * name and values; its own histogram cannot be given counts.
 */
export function registerBuckets(
  registry: Registry,
  {
    name,
    help,
    bounds,
  }: { readonly name: string; readonly help: string; readonly bounds: readonly number[] },
  series: () => readonly Series[],
): void {
  const get = (): Promise<unknown> =>
    Promise.resolve({
      name,
      help,
      type: 'histogram',
      aggregator: 'sum',
      values: series().flatMap((one) => valuesOf(name, bounds, one)),
    });
  registry.registerMetric({ name, help, get, reset: () => undefined } as unknown as Histogram);
}

function valuesOf(name: string, bounds: readonly number[], { labels, of }: Series): unknown[] {
  const total = (value: (buckets: Buckets) => number): number => of.reduce((sum, one) => sum + value(one), 0);
  const cumulative = of.map((one) => one.cumulative());
  const bucket = `${name}_bucket`;
  const count = total((one) => one.count);
  return [
    ...bounds.map((bound, i) => ({
      metricName: bucket,
      labels: { le: bound / 1_000, ...labels },
      value: cumulative.reduce((sum, counts) => sum + (counts[i] ?? 0), 0),
    })),
    { metricName: bucket, labels: { le: '+Inf', ...labels }, value: count },
    { metricName: `${name}_sum`, labels, value: total((one) => one.sum) / 1_000 },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
