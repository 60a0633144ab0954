import { parseDuration } from '../duration.js';
import { checkPort, DEFAULT_PORT, parseAddress, type Address, type Parsed } from '../registry/address.js';
import { keyOf, type ClusterKey } from '../registry/cluster.js';
import { MAX_EXPECT } from '../registry/rules.js';

/** How a list is written: `text` for Nacos 2.0.3 and later and up to 1.2.x, `json` for 1.3.0 to 2.0.2. */
export type ListFormat = 'text' | 'json';

/** Who a request is about: an address, or the connection's remote end with this port. */
export type Self =
  { readonly type: 'address'; readonly address: Address } | { readonly type: 'auto'; readonly port: number };

/** What `/{product}/{cluster}?…` asks for. Parameters that are not ours (SDK clients send `namespace`) are ignored. */
export interface Target {
  readonly key: ClusterKey;
  /** {@link keyOf} of it. */
  readonly name: string;
  readonly self?: Self;
  readonly expect?: number;
  readonly id?: string;
  readonly format: ListFormat;
  /** `view=live`: only the members that answer now. */
  readonly live: boolean;
  /** How long a leave waits for the others, in milliseconds; 0 without. */
  readonly wait: number;
}

/** The first path segment of the operators' side. */
const RESERVED_PRODUCTS = new Set(['api']);

/** Longest `wait`, in milliseconds. */
export const MAX_WAIT = 60_000;

const PARAMETERS = new Set(['self', 'expect', 'id', 'format', 'view', 'wait', 'token']);

/** True for a path of two segments; what is in them {@link parseTarget} judges. */
export function isListPath(path: string): boolean {
  return /^\/[^/]+\/[^/]+$/.test(path);
}

/** Reads a request's path and query; the problem is a sentence that names the parameter and the value. */
export function parseTarget(url: string): Parsed<Target> {
  const question = url.indexOf('?');
  const path = question < 0 ? url : url.slice(0, question);
  const key = parseKey(path);
  if (!key.ok) return key;
  const query = parseQuery(question < 0 ? '' : url.slice(question + 1), PARAMETERS);
  if (!query.ok) return query;
  const given = query.value;

  const self = optional(given.get('self'), parseSelf);
  if (!self.ok) return self;
  const expect = optional(given.get('expect'), parseExpect);
  if (!expect.ok) return expect;
  const id = optional(given.get('id'), parseId);
  if (!id.ok) return id;
  const wait = optional(given.get('wait'), parseWait);
  if (!wait.ok) return wait;
  const format = given.get('format') ?? 'text';
  if (format !== 'text' && format !== 'json') return bad('format', format, 'is unknown; it is text or json');
  const view = given.get('view');
  if (view !== undefined && view !== 'live') return bad('view', view, 'is unknown; it is live, or left out');
  for (const name of ['expect', 'id'] as const) {
    const value = given.get(name);
    if (value !== undefined && self.value === undefined) {
      return bad(name, value, 'says something of a member that is not named; give self=HOST:PORT too');
    }
  }
  return {
    ok: true,
    value: {
      key: key.value,
      name: keyOf(key.value),
      ...(self.value === undefined ? {} : { self: self.value }),
      ...(expect.value === undefined ? {} : { expect: expect.value }),
      ...(id.value === undefined ? {} : { id: id.value }),
      format,
      live: view === 'live',
      wait: wait.value ?? 0,
    },
  };
}

/** Reads the two segments of `/{product}/{cluster}`. */
function parseKey(path: string): Parsed<ClusterKey> {
  const parts = path.split('/').slice(1);
  if (parts.length !== 2) {
    return sentence(
      `the path ${quote(path)} is none of this server's; a list is at /{product}/{cluster}, usually /nacos/serverlist`,
    );
  }
  const product = parseName('product', parts[0] ?? '');
  if (!product.ok) return product;
  const name = parseName('cluster', parts[1] ?? '');
  return name.ok ? { ok: true, value: { product: product.value, name: name.value } } : name;
}

/** A product's or a cluster's name: 1 to 64 letters, digits, dots, hyphens and underscores; `api` is no product. */
export function parseName(kind: 'product' | 'cluster', text: string): Parsed<string> {
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(text) || /^\.+$/.test(text)) {
    return bad(kind, text, 'is no name; it takes 1 to 64 letters, digits, dots, hyphens and underscores');
  }
  if (kind === 'product' && RESERVED_PRODUCTS.has(text)) {
    return bad(kind, text, "is reserved for this server's own API; choose another");
  }
  return { ok: true, value: text };
}

/** Splits a query; parameters outside `wanted` are passed over. */
export function parseQuery(query: string, wanted: ReadonlySet<string>): Parsed<ReadonlyMap<string, string>> {
  const given = new Map<string, string>();
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=');
    const name = equals < 0 ? pair : pair.slice(0, equals);
    if (!wanted.has(name)) continue;
    const raw = equals < 0 ? '' : pair.slice(equals + 1);
    if (given.has(name)) return bad(name, raw, 'is given twice; give it once');
    try {
      given.set(name, decodeURIComponent(raw));
    } catch {
      return bad(name, raw, 'has broken percent-encoding');
    }
  }
  return { ok: true, value: given };
}

function parseSelf(text: string): Parsed<Self> {
  const auto = /^auto(?::(.*))?$/.exec(text);
  if (auto) {
    const problem = auto[1] === undefined ? undefined : checkPort(auto[1]);
    if (problem !== undefined) return bad('self', text, problem);
    return { ok: true, value: { type: 'auto', port: Number(auto[1] ?? DEFAULT_PORT) } };
  }
  const address = parseAddress(text);
  return address.ok
    ? { ok: true, value: { type: 'address', address: address.value } }
    : bad('self', text, address.problem);
}

function parseExpect(text: string): Parsed<number> {
  const value = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > MAX_EXPECT)
    return bad('expect', text, `is no whole number from 1 to ${MAX_EXPECT}`);
  return { ok: true, value };
}

function parseId(text: string): Parsed<string> {
  return /^[A-Za-z0-9][A-Za-z0-9._:-]{0,252}$/.test(text)
    ? { ok: true, value: text }
    : bad(
        'id',
        text,
        'is no identity; it takes 1 to 253 letters, digits, dots, hyphens, underscores and colons',
      );
}

function parseWait(text: string): Parsed<number> {
  const value = parseDuration(text);
  if (value === undefined || value > MAX_WAIT) {
    return bad('wait', text, `is no time up to ${MAX_WAIT / 1_000}s, such as 10s`);
  }
  return { ok: true, value };
}

function optional<T>(text: string | undefined, parse: (text: string) => Parsed<T>): Parsed<T | undefined> {
  return text === undefined ? { ok: true, value: undefined } : parse(text);
}

function bad(parameter: string, value: string, problem: string): { ok: false; problem: string } {
  return sentence(`${parameter}=${quote(value)} ${problem}`);
}

function sentence(problem: string): { ok: false; problem: string } {
  return { ok: false, problem };
}

/** A stranger's text as it may stand in a sentence: in quotes, cut, and without control characters. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 300 ? `${text.slice(0, 300)}…` : text).replace(
    /[\x7f-\x9f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
