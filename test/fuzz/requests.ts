import fc, { type Arbitrary } from 'fast-check';
import { NACOS } from '../support/raw.js';
import { BODIES, FRAMINGS } from './bodies.js';
import { HEADERS, HOSTILE, METHODS, PARAMETERS, ROUTES, valuesOf, VERSIONS, type Route } from './values.js';

/** One request, in parts that fast-check can make smaller. */
export interface Request {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly headers: readonly string[];
  readonly body: string;
  /** Whether its own headers are what a Nacos node sends, so no error may be complete. */
  readonly isNacos: boolean;
}

export function render({ method, target, version, headers, body }: Request): string {
  const line = [method, target, ...(version === '' ? [] : [version])].join(' ');
  return `${line}\r\n${headers.map((header) => `${header}\r\n`).join('')}\r\n${body}`;
}

/** Mostly one of the first, sometimes of the others. */
function mostly<T>(weight: number, usual: Arbitrary<T>, ...others: Arbitrary<T>[]): Arbitrary<T> {
  return fc.oneof({ weight, arbitrary: usual }, ...others.map((arbitrary) => ({ weight: 1, arbitrary })));
}

const bytes = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((n) => String.fromCharCode(n)),
  maxLength: 40,
});
const hostile = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...HOSTILE) },
  { weight: 1, arbitrary: bytes },
);

const ENCODINGS: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => text.replace(/[^\w.:~-]/g, percent),
  (text) => text.replace(/[^]/g, percent),
  (text) => text.replace(/[^]/g, (byte) => percent(byte).toLowerCase()),
  (text) => text.replace(/[^\w.:~-]/g, (byte) => percent(byte).replace('%', '%25')),
];

function percent(byte: string): string {
  return `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

/** As a query or a path has it; what is plain mostly stays so. */
function encoded(value: Arbitrary<string>): Arbitrary<string> {
  const encoding = fc.constantFrom(...ENCODINGS);
  return fc
    .tuple(value, mostly(3, fc.constant(ENCODINGS[1]), encoding))
    .map(([text, encode]) => encode!(text));
}

function pair(name: Arbitrary<string>): Arbitrary<string> {
  return name.chain((known) => {
    const value = encoded(mostly(5, fc.constantFrom(...valuesOf(known)), hostile));
    return mostly(12, value, fc.constant(undefined)).map((text) =>
      text === undefined ? known : `${known}=${text}`,
    );
  });
}

function queryOf(route: Route): Arbitrary<string> {
  const own = route.query.length === 0 ? PARAMETERS : route.query;
  const name = mostly(8, fc.constantFrom(...own), fc.constantFrom(...PARAMETERS), encoded(hostile));
  const pairs = fc.array(pair(name), { maxLength: 6 });
  const separator = mostly(20, fc.constant('&'), fc.constantFrom('&&', ';', '?', '#'));
  return fc.tuple(pairs, separator).map(([all, by]) => (all.length === 0 ? '' : `?${all.join(by)}`));
}

function pathOf({ path }: Route): Arbitrary<string> {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
  const segments = names.map((name) => encoded(mostly(8, fc.constantFrom(...valuesOf(name)), hostile)));
  return fc.tuple(...segments).map((values) => {
    let i = 0;
    return path.replace(/\{\w+\}/g, () => values[i++] ?? '');
  });
}

/** Origin-form mostly; absolute-form, authority-form, and what is no form at all. */
const FORMS: readonly ((path: string) => string)[] = [
  (path) => path,
  (path) => `http://127.0.0.1:8080${path}`,
  (path) => `https://evil.example${path}`,
  (path) => `http://user:password@h:1${path}`,
  (path) => `//evil.example${path}`,
  (path) => `/${path}`,
  (path) => `${path}#fragment`,
  (path) => `${path}${'/'.repeat(50)}`,
  (path) => path.slice(1),
  (path) => path.toUpperCase(),
  () => '127.0.0.1:8080',
  () => '*',
  () => '',
  (path) => `${path} ${path}`,
  (path) => `/${'a/'.repeat(3_000)}${path}`,
];

const target = fc
  .constantFrom(...ROUTES)
  .chain((route) =>
    fc
      .tuple(pathOf(route), queryOf(route), mostly(8, fc.constant(FORMS[0]), fc.constantFrom(...FORMS)))
      .map(([path, query, form]) => ({ route, target: form!(path + query) })),
  );

/** A Nacos node's own fields, or one of some kinds; and others. */
const headers = fc
  .record({
    isNacos: fc.boolean(),
    some: fc.record(
      Object.fromEntries(Object.entries(HEADERS).map(([kind, fields]) => [kind, fc.constantFrom(...fields)])),
      { requiredKeys: [] },
    ),
    own: fc.array(
      fc.tuple(
        fc.constantFrom('X-Own', 'Host', 'Origin', 'Authorization', 'Accept', 'X-Forwarded-For'),
        hostile,
      ),
      { maxLength: 1 },
    ),
  })
  .map(({ isNacos, some, own }) => {
    const { host, agent, accept, ...others } = some as Record<string, string | undefined>;
    const rest = [...Object.values(others), ...own.map(([name, value]) => `${name}: ${value}`)];
    const all = isNacos ? [...NACOS, ...rest] : [host ?? 'Host: h', agent, accept, ...rest];
    const fields = all.filter((field) => field !== undefined);
    return {
      headers: fields,
      isNacos: isNacos && !fields.some((field) => /json\b/i.test(field) && /^accept/i.test(field)),
    };
  });

const framedBody = mostly(
  3,
  fc.constant({ headers: [] as readonly string[], sent: '' }),
  fc
    .tuple(fc.oneof(fc.constantFrom(...BODIES), bytes), fc.constantFrom(...FRAMINGS))
    .map(([body, frame]) => frame(body)),
);

export const request: Arbitrary<Request> = fc
  .record({
    target,
    method: mostly(
      4,
      fc.constant(undefined),
      fc.constantFrom('GET', 'POST', 'DELETE'),
      fc.constantFrom(...METHODS),
    ),
    version: mostly(15, fc.constant('HTTP/1.1'), fc.constantFrom(...VERSIONS)),
    headers,
    body: framedBody,
  })
  .map(({ target: { route, target }, method, version, headers: { headers, isNacos }, body }) => ({
    method: method ?? route.method,
    target,
    version,
    headers: [...headers, ...body.headers],
    body: body.sent,
    isNacos,
  }));
