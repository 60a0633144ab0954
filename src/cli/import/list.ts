import { canonical, DEFAULT_PORT, joinLimited, parseAddress, type Address } from '../../registry/address.js';
import { ClientError } from '../client-error.js';
import { isNginx, returnedTexts, type ReturnedText } from './nginx.js';

/** A list found in a source. */
export interface FoundList {
  /** In order, without duplicates. */
  readonly addresses: readonly Address[];
  /** Assumptions, and corrections of what Nacos would have misread, as sentences. */
  readonly notes: readonly string[];
}

/**
 * Reads a list of members in any form kept for Nacos: a cluster.conf or a served file (text), an address
 * server's answer for Nacos 1.3.0 to 2.0.2 (JSON), or an nginx configuration that returns either. Takes all
 * entries or none: throws {@link ClientError} with the line of the first entry that Nacos would reject or
 * misread. `name` is the source's name in sentences.
 */
export function readList(text: string, name: string): FoundList {
  const hasBom = text.startsWith('\uFEFF');
  const rest = hasBom ? text.slice(1) : text;
  const { addresses, notes } =
    !isJson(rest) && isNginx(rest) ? fromNginx(rest, name) : fromAnswer(rest, name);
  if (addresses.length === 0) {
    throw new ClientError(`${name} holds no address, and an empty list is never imported`);
  }
  const note = `${name} begins with a byte order mark, which Nacos takes for part of an address; it was left out`;
  return { addresses, notes: [...(hasBom ? [note] : []), ...notes] };
}

function isJson(text: string): boolean {
  return /^\s*\{/.test(text);
}

/** Reads a served text: lines, or JSON that holds the lines. */
function fromAnswer(text: string, name: string): FoundList {
  if (!isJson(text)) return fromLines(text, name);
  const { data, notes } = dataOf(text, name);
  const list = fromLines(data, `${name} (data)`);
  return { ...list, notes: [...notes, ...list.notes] };
}

/**
 * The lines in `{"code":200,"message":null,"data":"host:port\nhost:port"}`; Nacos treats a missing code like
 * 200 (RestResult).
 */
function dataOf(text: string, name: string): { readonly data: string; readonly notes: readonly string[] } {
  const { answer, notes } = readJson(text, name);
  const { code, data } = answer as { code?: unknown; data?: unknown };
  if ([200, '200', 0, null, undefined].includes(code as number) && typeof data === 'string')
    return { data, notes };
  throw new ClientError(
    `${name} is JSON, but no list: that is {"code":200,"message":null,"data":"HOST:PORT\\n…"}`,
  );
}

/**
 * Reads JSON that may hold real line breaks: in nginx's quotes \n is a line break itself, which JSON strings
 * may not contain. Nacos 1.4 does not accept it as JSON.
 */
function readJson(
  text: string,
  name: string,
): { readonly answer: object; readonly notes: readonly string[] } {
  const escaped = text.replace(/"(?:[^"\\]|\\.)*"/gs, (quoted) =>
    quoted.replaceAll('\n', '\\n').replaceAll('\r', '\\r'),
  );
  const note = `${name} has line breaks inside of JSON's quotes, where Nacos wants \\n (\\\\n in nginx); they were read as such`;
  for (const [one, notes] of [
    [text, []],
    [escaped, [note]],
  ] as const) {
    try {
      return { answer: Object(JSON.parse(one)) as object, notes };
    } catch {
      // Try the next form, if any.
    }
  }
  throw new ClientError(`${name} begins like JSON and is not valid JSON`);
}

/**
 * The list that a configuration returns. It may also return texts that are not lists, such as `ok` for a
 * probe.
 */
function fromNginx(text: string, name: string): FoundList {
  const texts = returnedTexts(text);
  const read = texts.map((one): FoundList | ClientError => {
    try {
      return fromReturned(one, name);
    } catch (error) {
      if (error instanceof ClientError) return error;
      throw error;
    }
  });
  const lists = [...read.entries()].filter(
    (one): one is [number, FoundList] => !(one[1] instanceof ClientError),
  );
  const [only] = lists;
  if (only !== undefined && lists.length === 1) {
    const [at, { addresses, notes }] = only;
    const others = texts.flatMap(({ line }, i) => (i === at ? [] : [line]));
    const note = `${name} returns a list in line ${texts[at]?.line}, which was taken; what it returns in line ${others.join(', ')} is none`;
    return { addresses, notes: [...(others.length > 0 ? [note] : []), ...notes] };
  }
  const [problem] = read;
  if (problem instanceof ClientError && texts.length === 1) throw problem;
  const found =
    texts.length === 0
      ? 'returns no list itself (return 200 "…";)'
      : `returns several texts, in the lines ${texts.map(({ line }) => line).join(', ')}`;
  throw new ClientError(
    `${name} is an nginx configuration and ${found}; give the file that nginx serves, or its URL`,
  );
}

function fromReturned({ text, line }: ReturnedText, name: string): FoundList {
  if (!text.includes('$')) return fromAnswer(text, `${name} (returned in line ${line})`);
  throw new ClientError(
    `${name} line ${line} returns a variable of nginx; give the URL at which nginx serves the list`,
  );
}

/**
 * Reads lines as Nacos does (2.5.1 EnvUtil.analyzeClusterConf, seen): it trims them, starts a comment at `#`
 * and splits at commas.
 */
function fromLines(text: string, name: string): FoundList {
  const found = new Map<string, { readonly address: Address; readonly line: number }>();
  const portless: string[] = [];
  text.split('\n').forEach((raw, index) => {
    const line = index + 1;
    const where = `${name} line ${line}`;
    const whole = raw.replace(/\r$/, '');
    if (whole === '' || /^\s*#/.test(whole)) return;
    const entries = whole.replace(/#.*$/s, '').trim().split(',');
    // Like Java's split: drop empty entries at the end.
    while (entries.length > 1 && entries.at(-1) === '') entries.pop();
    for (const entry of entries) {
      const address = readEntry(entry, entries.length > 1, where);
      if (address !== entry) portless.push(entry);
      const form = canonical(address);
      const before = found.get(form);
      if (before === undefined) found.set(form, { address, line });
      else if (before.address !== address) {
        throw new ClientError(
          `${where}: ${address} is another spelling of ${before.address} in line ${before.line}; Nacos takes them for two members, so keep the one by which the node knows itself`,
        );
      }
    }
  });
  const note = `${joinLimited(portless)} in ${name} ${portless.length === 1 ? 'has' : 'have'} no port; ${DEFAULT_PORT} is assumed, as Nacos does`;
  return {
    addresses: [...found.values()].map(({ address }) => address),
    notes: portless.length > 0 ? [note] : [],
  };
}

function readEntry(entry: string, isOneOfSeveral: boolean, where: string): Address {
  if (entry === '') {
    const found = isOneOfSeveral ? 'there is nothing between two commas' : 'there are only blanks';
    throw new ClientError(`${where}: ${found}, and Nacos rejects the whole list for it; take that out`);
  }
  const shown = JSON.stringify(entry.length > 100 ? `${entry.slice(0, 100)}…` : entry);
  const address = parseAddress(entry);
  if (!address.ok) throw new ClientError(`${where}: ${shown} ${address.problem}`);
  // As in the official API: such a word is more likely a mistake, or a page, than a host name.
  if (!/[.:]/.test(entry)) {
    throw new ClientError(
      `${where}: ${shown} is a single word; if it is a host name, write its port: ${entry}:8848`,
    );
  }
  return address.value;
}
