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
    .tuple(value, mostly(10, fc.constant(ENCODINGS[1]), encoding))
    .map(([text, encode]) => encode!(text));
}

function valueOf(name: string): Arbitrary<string> {
  const { right, wrong } = valuesOf(name);
  return encoded(
    fc.oneof(
      { weight: 14, arbitrary: fc.constantFrom(...right) },
      { weight: 2, arbitrary: fc.constantFrom(...wrong) },
      { weight: 1, arbitrary: hostile },
    ),
  );
}

function pair(name: string): Arbitrary<string> {
  return mostly(
    20,
    valueOf(name).map((value) => `${name}=${value}`),
    fc.constant(name),
  );
}

/** What the route is about, mostly; some of its parameters, once each; and now and then what nobody asked for. */
function queryOf({ query }: Route): Arbitrary<string> {
  const [main, ...others] = query.length === 0 ? PARAMETERS : query;
  const strange = fc.oneof(fc.constantFrom(...PARAMETERS), encoded(hostile)).chain(pair);
  const parts = fc.tuple(
    mostly(5, pair(main ?? ''), fc.constant(undefined)),
    fc
      .subarray(others, { maxLength: Math.min(3, others.length) })
      .chain((names) => fc.tuple(...names.map(pair))),
    mostly(6, fc.constant<string[]>([]), fc.array(strange, { minLength: 1, maxLength: 4 })),
  );
  const separator = mostly(25, fc.constant('&'), fc.constantFrom('&&', ';', '?', '#'));
  return fc.tuple(parts, separator).map(([[first, some, more], by]) => {
    const all = [first, ...some, ...more].filter((part) => part !== undefined);
    // By another one a token would be a part of something else, which may come back.
    const separator = all.some((part) => part.startsWith('token')) ? '&' : by;
    return all.length === 0 ? '' : `?${all.join(separator)}`;
  });
}

function pathOf({ path }: Route): Arbitrary<string> {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
  return fc.tuple(...names.map(valueOf)).map((values) => {
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
      .tuple(pathOf(route), queryOf(route), mostly(15, fc.constant(FORMS[0]), fc.constantFrom(...FORMS)))
      .map(([path, query, form]) => ({ route, target: form!(path + query) })),
  );

const fields = Object.values(HEADERS).map((some) => fc.constantFrom<string>(...some));
const hostileField = fc
  .tuple(fc.constantFrom('X-Own', 'Host', 'Origin', 'Authorization', 'Accept', 'X-Forwarded-For'), hostile)
  .map(([name, value]) => `${name}: ${value}`);

/** A Nacos node's own fields, or those of another program; and some more. */
const headers = fc
  .record({
    isNacos: fc.boolean(),
    host: mostly(8, fc.constant('Host: 127.0.0.1:8080'), fc.constantFrom(...HEADERS.host)),
    agent: mostly(2, fc.constant('User-Agent: curl/8.5.0'), fc.constantFrom(...HEADERS.agent)),
    more: mostly(
      2,
      fc.constant<string[]>([]),
      fc.array(mostly(fields.length, fc.oneof(...fields), hostileField), { minLength: 1, maxLength: 3 }),
    ),
  })
  .map(({ isNacos, host, agent, more }) => ({
    headers: [...(isNacos ? NACOS : [host, agent]), ...more],
    isNacos: isNacos && !more.some((field) => /^(?:accept|user-agent)\b/i.test(field)),
  }));

const framedBody = mostly(
  5,
  fc.constant({ headers: [] as readonly string[], sent: '' }),
  fc
    .tuple(fc.oneof(fc.constantFrom(...BODIES), bytes), fc.constantFrom(...FRAMINGS))
    .map(([body, frame]) => frame(body)),
);

export const request: Arbitrary<Request> = fc
  .record({
    target,
    method: mostly(
      8,
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
