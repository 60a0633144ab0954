import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parse } from 'yaml';
import { eventually } from '../support/eventually.js';
import { scrape, type Exposition, type Sample } from '../support/exposition.js';
import { bootstrapCluster, live, pollPath } from '../support/nodes.js';
import { readPromql, type Matcher, type Selector } from '../support/promql.js';
import { promtool, skipWithoutPromtool } from '../support/promtool.js';
import { ask, CURL, JSON_CLIENT, NACOS } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';
import { tempFolder } from '../support/temp.js';

/** From dist/test/http. */
const DEPLOY = fileURLToPath(new URL('../../../deploy/', import.meta.url));
const ALERTS = join(DEPLOY, 'prometheus/alerts.yaml');
const ALERTS_TEST = join(DEPLOY, 'prometheus/alerts.test.yaml');

const METRICS_DOC = readFileSync(join(DEPLOY, '../docs/metrics.md'), 'utf8');

/** What Prometheus itself adds to each target's series, and the series of its own. */
const TARGET_LABELS = ['job', 'instance'];
const OF_PROMETHEUS = ['up'];

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly annotations: {
    readonly list: readonly { readonly expr?: string; readonly titleFormat?: string }[];
  };
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[];
  };
}

const rules = (parse(readFileSync(ALERTS, 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const dashboard = JSON.parse(readFileSync(join(DEPLOY, 'grafana/dashboard.json'), 'utf8')) as Dashboard;

/** A server after everything that the rules and the dashboard look at has happened to it. */
async function afterSomeTraffic(t: Pick<TestContext, 'after'>): Promise<TestServer> {
  const server = await startServer(t);
  const [a] = await bootstrapCluster(t, server, ['127.0.0.11:8848', '127.0.0.12:8848']);
  await ask(server, 'POST', pollPath('127.0.0.11:8848'));
  await ask(server, 'GET', '/nacos/unknown', NACOS);
  await ask(server, 'GET', '/api/v1/clusters/nacos/serverlist', JSON_CLIENT);
  await ask(server, 'GET', '/api/v1/events', JSON_CLIENT);
  await ask(server, 'POST', '/nacos/bootstrapping?self=127.0.0.31&expect=3', CURL);
  await live(server, [a!], 20_000);
  await server.service.sync();
  // A kind of garbage collection appears with its first, and V8 may have had nothing to collect yet.
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  await eventually('a collection was seen', async () =>
    (await scrape(server)).samples.some(({ name }) => name === 'nodejs_gc_duration_seconds_count'),
  );
  return server;
}

function matches(sample: Sample, { label, operator, value }: Matcher): boolean {
  const found = sample.labels[label] ?? '';
  const whole = (): boolean => new RegExp(`^(?:${value})$`).test(found);
  switch (operator) {
    case '=':
      return found === value;
    case '!=':
      return found !== value;
    case '=~':
      return whole();
    case '!~':
      return !whole();
  }
}

/** Fails unless the server has each metric, each label and each value that the expression asks for. */
function assertExposed(
  exposed: Exposition,
  expression: string,
  more: readonly string[],
  where: string,
): void {
  const { selectors, labels } = readPromql(expression);
  assert.ok(selectors.length > 0, `${where}: it selects nothing`);
  const known = new Set(TARGET_LABELS);
  for (const { metric, matchers } of selectors) {
    if (OF_PROMETHEUS.includes(metric)) continue;
    const samples = exposed.find(metric);
    assert.ok(samples.length > 0, `${where}: there is no metric ${metric}`);
    const own = new Set(samples.flatMap((sample) => Object.keys(sample.labels)));
    for (const label of own) known.add(label);
    for (const matcher of matchers) {
      const { label, value } = matcher;
      if (TARGET_LABELS.includes(label)) continue;
      assert.ok(own.has(label), `${where}: ${metric} has no label ${label}`);
      if (value.includes('$')) continue;
      for (const one of alternatives(matcher)) {
        const positive = { ...matcher, operator: '=', value: one } as const;
        assert.ok(
          samples.some((sample) => matches(sample, positive)),
          `${where}: no series of ${metric} has ${label}="${one}"`,
        );
      }
    }
    const literal = matchers.filter(
      ({ label, value }) => !TARGET_LABELS.includes(label) && !value.includes('$'),
    );
    assert.ok(
      samples.some((sample) => literal.every((matcher) => matches(sample, matcher))),
      `${where}: no series of ${metric} has all of these labels at once`,
    );
  }
  for (const label of [...labels, ...more]) {
    assert.ok(known.has(label), `${where}: none of its metrics has the label ${label}`);
  }
}

/** The values that are named; all regular expressions here are lists of words. */
function alternatives({ operator, value }: Matcher): string[] {
  if (operator === '=' || operator === '!=') return [value];
  assert.match(value, /^[\w|-]+$/);
  return value.split('|');
}

const labelsIn = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map((found) => found[1]!);

/** The dashboard's expressions with where they are, and the labels that their legend shows. */
function* expressions(): Generator<{ where: string; expr: string; labels: string[] }> {
  for (const panel of dashboard.panels) {
    for (const { expr, legendFormat } of panel.targets ?? []) {
      yield { where: `panel ${panel.title}`, expr, labels: labelsIn(legendFormat, /\{\{(\w+)\}\}/g) };
    }
  }
  for (const { expr, titleFormat = '' } of dashboard.annotations.list) {
    if (expr !== undefined)
      yield { where: 'annotation', expr, labels: labelsIn(titleFormat, /\{\{(\w+)\}\}/g) };
  }
}

describe('what is deployed beside the server', () => {
  let exposed: Exposition;
  const ends: (() => unknown)[] = [];
  before(async () => {
    exposed = await scrape(await afterSomeTraffic({ after: (step) => ends.push(step as () => unknown) }));
    for (const end of ends.reverse()) await end();
  });

  it('reads PromQL as it is meant', () => {
    const expression =
      'histogram_quantile(0.5, sum by (job, le) (rate(a_bucket{x="1",y=~"p|q"}[5m]))) > 1e-3 and on (z) b unless c offset 5m == bool 1';
    const selectors: Selector[] = [
      {
        metric: 'a_bucket',
        matchers: [
          { label: 'x', operator: '=', value: '1' },
          { label: 'y', operator: '=~', value: 'p|q' },
        ],
      },
      { metric: 'b', matchers: [] },
      { metric: 'c', matchers: [] },
    ];
    assert.deepEqual(readPromql(expression), { selectors, labels: ['job', 'le', 'z'] });
  });

  it('fails on a metric, a label or a value that the server does not expose', () => {
    for (const [expression, problem] of [
      ['address_server_cluster_quorumlost > 0', /there is no metric address_server_cluster_quorumlost/],
      ['address_server_store_up{server="a"}', /has no label server/],
      ['address_server_events_total{type="evict"}', /no series .* has type="evict"/],
      ['address_server_events_total{type=~"evicted|gone"}', /no series .* has type="gone"/],
      ['sum by (name) (address_server_store_up)', /has the label name/],
      ['1 > 0', /it selects nothing/],
    ] as const) {
      assert.throws(() => assertExposed(exposed, expression, [], 'here'), problem);
    }
  });

  it('alerts on what the server exposes', () => {
    assert.ok(rules.length >= 20);
    for (const { alert, expr, annotations } of rules) {
      const shown = labelsIn(Object.values(annotations).join(' '), /\$labels\.(\w+)/g);
      assertExposed(exposed, expr, shown, alert);
    }
  });

  it('says with each alert how bad it is and what to do', () => {
    assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length);
    for (const { alert, labels, annotations } of rules) {
      assert.match(labels.severity, /^(critical|warning|info)$/, alert);
      assert.ok(annotations.summary.length < 120, alert);
      assert.ok(annotations.description.length > 60, alert);
    }
  });

  it('shows what the server exposes', () => {
    for (const { where, expr, labels } of expressions()) assertExposed(exposed, expr, labels, where);
    for (const { name, type, definition = '' } of dashboard.templating.list) {
      if (type !== 'query') continue;
      const [, expr, label] = /^label_values\((.+), (\w+)\)$/.exec(definition) ?? [];
      assertExposed(exposed, expr ?? '', [label ?? ''], `variable ${name}`);
    }
  });

  it('shows it on panels that do not overlap, from the data source that is chosen', () => {
    const taken = new Set<string>();
    const ids = new Set<number>();
    for (const { id, title, type, gridPos, datasource } of dashboard.panels) {
      ids.add(id);
      if (type !== 'row') assert.equal(datasource?.uid, '${datasource}', title);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.ok(x < 24 && !taken.has(`${x} ${y}`), title);
          taken.add(`${x} ${y}`);
        }
      }
    }
    assert.equal(ids.size, dashboard.panels.length);
    const variables = new Set(dashboard.templating.list.map(({ name }) => name));
    assert.ok(['datasource', 'product', 'cluster'].every((name) => variables.has(name)));
    for (const { where, expr } of expressions()) {
      for (const name of labelsIn(expr, /\$(\w+)/g)) {
        assert.ok(variables.has(name) || name === '__rate_interval', `${where}: $${name}`);
      }
    }
  });

  it('has every metric of the server in docs/metrics.md, with its type and labels, and no other', () => {
    const documented = new Map(
      [...METRICS_DOC.matchAll(/^\| `(address_server_\w+)` \| (\w+) \|([^|]*)\| .+ \|$/gm)].map(
        ([, name, type, labels]) => [
          name!,
          `${type} ${labelsIn(labels!, /`(\w+)`/g)
            .sort()
            .join(' ')}`,
        ],
      ),
    );
    const ours = [...exposed.types].filter(([name]) => name.startsWith('address_server_'));
    const found = new Map(
      ours.map(([name, type]) => {
        const samples = exposed.samples.filter((sample) => sample.name.replace(/_count$/, '') === name);
        const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)));
        return [name, `${type} ${[...labels].sort().join(' ')}`];
      }),
    );
    assert.deepEqual(documented, found);
  });

  describe('in the eyes of Prometheus', { skip: skipWithoutPromtool }, () => {
    it('exposes metrics that are well formed and well named', () => {
      const { status, output } = promtool(['check', 'metrics'], exposed.text);
      assert.deepEqual([status, output], [0, '']);
    });

    it('has rules that are valid', () => {
      const { status, output } = promtool(['check', 'rules', ALERTS]);
      assert.equal(status, 0, output);
    });

    it('has rules that fire when they should, and only then', () => {
      const { status, output } = promtool(['test', 'rules', ALERTS_TEST]);
      assert.equal(status, 0, output);
      const tested = readFileSync(ALERTS_TEST, 'utf8');
      for (const { alert } of rules) assert.ok(tested.includes(alert), `${alert} has no case`);
    });

    it('has a dashboard whose expressions are valid', (t) => {
      const records = [...expressions()].map(({ expr }, i) => ({
        record: `panel:${i}`,
        expr: expr.replaceAll('$__rate_interval', '5m'),
      }));
      const file = join(tempFolder(t), 'dashboard.json');
      // JSON is YAML.
      writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules: records }] }));
      const { status, output } = promtool(['check', 'rules', file]);
      assert.equal(status, 0, output);
    });
  });
});
