import assert from 'node:assert/strict';
import type { RefusalReason } from '../../src/http/http-observer.js';
import { ask, JSON_CLIENT } from './raw.js';

export interface Sample {
  /** With `_bucket`, `_sum` or `_count` of a histogram. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What a server exposes, read as Prometheus reads it (text format 0.0.4). */
export class Exposition {
  readonly text: string;
  readonly samples: readonly Sample[];
  /** Of each metric; a histogram's without a suffix. */
  readonly types: ReadonlyMap<string, string>;

  constructor(text: string) {
    const samples: Sample[] = [];
    const types = new Map<string, string>();
    for (const line of text.split('\n')) {
      const type = /^# TYPE (\S+) (\S+)$/.exec(line);
      if (type) types.set(type[1]!, type[2]!);
      if (line === '' || line.startsWith('#')) continue;
      const sample = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
      assert.ok(sample, `no sample: ${line}`);
      samples.push({ name: sample[1]!, labels: labelsOf(sample[2] ?? ''), value: numberOf(sample[3]!) });
    }
    this.text = text;
    this.samples = samples;
    this.types = types;
  }

  /** All samples of a name with at least these labels. */
  find(name: string, labels: Readonly<Record<string, string>> = {}): Sample[] {
    return this.samples.filter(
      (sample) =>
        sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    );
  }

  /** The only one; fails when there is none or several. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const found = this.find(name, labels);
    assert.equal(found.length, 1, `${found.length} samples of ${name}${JSON.stringify(labels)}`);
    return found[0]!.value;
  }
}

/** Scrapes as Prometheus does. */
export async function scrape(server: { port: number }): Promise<Exposition> {
  const answer = await ask(server, 'GET', '/metrics', JSON_CLIENT);
  assert.equal(answer.status, 200, answer.body);
  return new Exposition(answer.body);
}

/**
 * Counters and histograms that rose from one scrape to the next, as `name{label="value"}`, by how much; histograms by
 * their count. Without the exchanges with the store, which come by themselves, the process's own, and the scrape.
 */
export function risen(before: Exposition, after: Exposition): Record<string, number> {
  const old = new Map(before.samples.map((sample) => [keyOf(sample), sample.value]));
  const found = after.samples.flatMap((sample) => {
    const metric = sample.name.replace(/_count$/, '');
    const isCounter = after.types.get(sample.name) === 'counter' || after.types.get(metric) === 'histogram';
    const passes =
      !sample.name.startsWith('address_server_') ||
      /_store_|_sum$|_bucket$/.test(sample.name) ||
      sample.labels.route === '/metrics';
    const rise = sample.value - (old.get(keyOf(sample)) ?? 0);
    return isCounter && !passes && rise !== 0 ? [[keyOf(sample), rise] as const] : [];
  });
  return Object.fromEntries(found);
}

function keyOf({ name, labels }: Sample): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return `${name.replace('address_server_', '')}${pairs.length > 0 ? `{${pairs.sort().join(',')}}` : ''}`;
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== '') {
    const label = /^([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)",?/.exec(rest);
    assert.ok(label, `no labels: ${text}`);
    labels[label[1]!] = label[2]!.replace(/\\(.)/g, (_, escaped) =>
      escaped === 'n' ? '\n' : String(escaped),
    );
    rest = rest.slice(label[0].length);
  }
  return labels;
}

function numberOf(text: string): number {
  const named: Record<string, number> = { '+inf': Infinity, '-inf': -Infinity, nan: NaN };
  const value = named[text.toLowerCase()] ?? Number(text);
  assert.ok(text.toLowerCase() === 'nan' || !Number.isNaN(value), `no number: ${text}`);
  return value;
}

/** Requests and connections that were refused for a reason, as /metrics counts them. */
export async function assertRefused(
  server: { readonly port: number },
  reason: RefusalReason,
  expected: number,
): Promise<void> {
  const counted = (await scrape(server)).value('address_server_refused_requests_total', { reason });
  assert.equal(counted, expected, `refused: ${reason}`);
}
