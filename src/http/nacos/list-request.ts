import type { z } from 'zod';
import type { Parsed } from '../../registry/address.js';
import { keyOf, type ClusterKey } from '../../registry/cluster.js';
import { unexpandedIn } from '../../registry/unexpanded.js';
import { clusterName, listQuery, productName, type Self } from './parameters.js';

/**
 * The format of a list: `text` for Nacos 2.0.3 and later and up to 1.2.x, `json` for 1.3.0 to 2.0.2. `crlf`
 * cannot be requested: it is text that all SDK clients can split, since npm's `nacos` (2.6.3) splits only at
 * CRLF and takes an empty last line for a server.
 */
export type ListFormat = z.output<typeof listQuery>['format'] | 'crlf';

/**
 * The parsed `/{product}/{cluster}?…`. Unknown parameters are ignored, since SDK clients send `namespace`.
 */
export interface ListRequest {
  readonly key: ClusterKey;
  /** The cluster's {@link keyOf}. */
  readonly name: string;
  readonly self?: Self;
  readonly expect?: number;
  readonly id?: string;
  readonly format: ListFormat;
  /** `view=live`: only the members that answer now. */
  readonly live: boolean;
  /** The revision that the member's Nacos has, as its agent reports. */
  readonly revision?: number;
  /** Whether the member's Nacos has been started and has not answered yet, as its agent reports. */
  readonly starting: boolean;
  /** The sign that the member's Nacos does not answer, as its agent reports. */
  readonly unhealthy?: string;
  /**
   * How long a leave waits for the others, or a heartbeat for another list, in milliseconds; 0 if not given.
   */
  readonly wait: number;
  /** The given `token`, unchecked. */
  readonly token?: string;
}

/** The result of reading a target. */
export type ReadTarget = { readonly ok: true; readonly value: ListRequest } | Bad;

interface Bad {
  readonly ok: false;
  readonly problem: string;
  /** What is wrong: the path, or the name of a parameter. */
  readonly about: string;
  /** The cluster's {@link keyOf}, if the path is valid. */
  readonly name?: string;
}

const PARAMETERS = new Set(Object.keys(listQuery.shape));

/**
 * The path that Nacos derives itself, `{contextPath}/serverlist`, when its context path is `/`: it means the
 * usual list.
 */
const WITHOUT_CONTEXT_PATH = '/serverlist';

/**
 * Whether a path has two segments, which {@link parseTarget} then checks, or is that of a Nacos at the root.
 */
export function isListPath(path: string): boolean {
  return /^\/[^/]+\/[^/]+$/.test(path) || path === WITHOUT_CONTEXT_PATH;
}

/** Reads a request's path and query. The problem is a sentence that names the parameter and the value. */
export function parseTarget(url: string): ReadTarget {
  const question = url.indexOf('?');
  const path = question < 0 ? url : url.slice(0, question);
  const key = parseKey(path);
  if (!key.ok) return { ...key, about: 'path' };
  const query = parseQuery(question < 0 ? '' : queryOf(url.slice(question + 1)), PARAMETERS);
  const name = keyOf(key.value);
  if (!query.ok) return { ...query, name };
  const given = query.value;
  const read = listQuery.safeParse(Object.fromEntries(given));
  if (!read.success) return { ...firstProblem(read.error, given), name };
  const { self, expect, id, revision, starting, unhealthy, wait = 0, format, view, token } = read.data;
  for (const one of ['expect', 'id', 'revision', 'starting', 'unhealthy'] as const) {
    const value = given.get(one);
    if (value !== undefined && self === undefined) {
      return {
        ...bad(one, value, 'is about a member, and none is named; give self=HOST:PORT too'),
        name,
      };
    }
  }
  return {
    ok: true,
    value: {
      key: key.value,
      name,
      ...(self === undefined ? {} : { self }),
      ...(expect === undefined ? {} : { expect }),
      ...(id === undefined ? {} : { id }),
      ...(revision === undefined ? {} : { revision }),
      starting: starting === 'true',
      ...(unhealthy === undefined ? {} : { unhealthy }),
      format,
      live: view === 'live',
      wait,
      ...(token === undefined ? {} : { token }),
    },
  };
}

/**
 * Repairs a query: SDK clients whose path already has one append theirs with another `?` (2.x
 * ServerListManager): `?view=live?namespace=a`.
 */
function queryOf(text: string): string {
  return text.replace('?namespace=', '&namespace=');
}

/** Reads the two segments of `/{product}/{cluster}`. */
function parseKey(path: string): Parsed<ClusterKey> {
  const parts = (path === WITHOUT_CONTEXT_PATH ? '/nacos/serverlist' : path).split('/').slice(1);
  if (parts.length !== 2) {
    return sentence(
      `the path ${quote(path)} is not one of this server's; a list is at /{product}/{cluster}, usually /nacos/serverlist`,
    );
  }
  const product = parseName('product', parts[0] ?? '');
  if (!product.ok) return product;
  const name = parseName('cluster', parts[1] ?? '');
  return name.ok ? { ok: true, value: { product: product.value, name: name.value } } : name;
}

/** Reads a name of 1 to 64 letters, digits, dots, hyphens and underscores; `api` is not a product. */
export function parseName(kind: 'product' | 'cluster', text: string): Parsed<string> {
  const read = (kind === 'product' ? productName : clusterName).safeParse(text);
  return read.success
    ? { ok: true, value: read.data }
    : bad(kind, text, read.error.issues[0]?.message ?? 'is wrong');
}

/** Splits a query; skips parameters outside `wanted`. */
export function parseQuery(
  query: string,
  wanted: ReadonlySet<string>,
): { readonly ok: true; readonly value: ReadonlyMap<string, string> } | Bad {
  const given = new Map<string, string>();
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=');
    const name = equals < 0 ? pair : pair.slice(0, equals);
    if (!wanted.has(name)) continue;
    const raw = equals < 0 ? '' : pair.slice(equals + 1);
    // A token must not be printed, not even a wrong one: it may be valid elsewhere.
    const shown = name === 'token' ? '…' : raw;
    if (given.has(name)) return bad(name, shown, 'is given twice; give it once');
    try {
      given.set(name, decodeURIComponent(raw));
    } catch {
      return bad(name, shown, 'has broken percent-encoding');
    }
  }
  return { ok: true, value: given };
}

/** The first problem in the order of the schema. */
function firstProblem(error: z.ZodError, given: ReadonlyMap<string, string>): Bad {
  const issue = error.issues[0];
  const name = String(issue?.path[0]);
  return bad(name, given.get(name) ?? '', issue?.message ?? 'is wrong');
}

function bad(parameter: string, value: string, problem: string): Bad {
  return {
    ...sentence(`${parameter}=${quote(value)} ${unexpandedIn(value) ?? problem}`),
    about: parameter,
  };
}

function sentence(problem: string): { ok: false; problem: string } {
  return { ok: false, problem };
}

/** Quotes a caller's text for a sentence: shortened and without control characters. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 300 ? `${text.slice(0, 300)}…` : text).replace(
    /[\x7f-\x9f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
