import { canonical, parseAddress, type Address } from '../../registry/address.js';
import { ClientError } from '../client-error.js';
import { isNginx, returnedTexts } from './nginx.js';

/** A list as it was found somewhere. */
export interface FoundList {
  /** In their order, each once. */
  readonly addresses: readonly Address[];
  /** What Nacos would have misread and was put right: sentences. */
  readonly notes: readonly string[];
}

/**
 * Reads a list of members as it is kept for Nacos: a cluster.conf or a served file (text), an address server's answer
 * for Nacos 1.3.0 to 2.0.2 (JSON), or an nginx configuration that returns the list. All or nothing: throws
 * {@link ClientError} with the line of the first entry that Nacos would reject or misread. `name` is the source in
 * sentences.
 */
export function readList(text: string, name: string): FoundList {
  const hasBom = text.startsWith('\uFEFF');
  const rest = hasBom ? text.slice(1) : text;
  const addresses = /^\s*\{/.test(rest)
    ? fromLines(dataOf(rest, name), `${name} (data)`)
    : isNginx(rest)
      ? fromNginx(rest, name)
      : fromLines(rest, name);
  if (addresses.length === 0) {
    throw new ClientError(`${name} holds no address, and an empty list is never imported`);
  }
  const note = `${name} begins with a byte order mark, which Nacos takes for part of an address; it was left out`;
  return { addresses, notes: hasBom ? [note] : [] };
}

/** The lines of `{"code":200,"message":null,"data":"host:port\nhost:port"}`. */
function dataOf(text: string, name: string): string {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new ClientError(`${name} begins as JSON does and is none`);
  }
  const { code, data } = answer as { code?: unknown; data?: unknown };
  if (code === 200 && typeof data === 'string') return data;
  throw new ClientError(
    `${name} is JSON, but no list: that is {"code":200,"message":null,"data":"HOST:PORT\\n…"}`,
  );
}

function fromNginx(text: string, name: string): Address[] {
  const texts = returnedTexts(text);
  const [only] = texts;
  if (only !== undefined && texts.length === 1) {
    if (!only.text.includes('$')) return fromLines(only.text, `${name} (returned in line ${only.line})`);
    throw new ClientError(
      `${name} line ${only.line} returns a variable of nginx; give the URL at which nginx serves the list`,
    );
  }
  const found =
    texts.length === 0
      ? 'returns no list itself (return 200 "…";)'
      : `returns several texts, in the lines ${texts.map(({ line }) => line).join(', ')}`;
  throw new ClientError(
    `${name} is an nginx configuration and ${found}; give the file that nginx serves, or its URL`,
  );
}

/**
 * As Nacos reads them (2.5.1 EnvUtil.analyzeClusterConf, seen): lines are trimmed, `#` starts a comment, commas split.
 */
function fromLines(text: string, name: string): Address[] {
  const found = new Map<string, { readonly address: Address; readonly line: number }>();
  text.split('\n').forEach((raw, index) => {
    const line = index + 1;
    const where = `${name} line ${line}`;
    const whole = raw.replace(/\r$/, '');
    if (whole === '' || /^\s*#/.test(whole)) return;
    const entries = whole.replace(/#.*$/s, '').trim().split(',');
    // As Java's split does it: commas at the end are nothing.
    while (entries.length > 1 && entries.at(-1) === '') entries.pop();
    for (const entry of entries) {
      const address = readEntry(entry, entries.length > 1, where);
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
  return [...found.values()].map(({ address }) => address);
}

function readEntry(entry: string, isOneOfSeveral: boolean, where: string): Address {
  if (entry === '') {
    const found = isOneOfSeveral ? 'there is nothing between two commas' : 'there are only blanks';
    throw new ClientError(`${where}: ${found}, and Nacos rejects the whole list for it; take that out`);
  }
  const shown = JSON.stringify(entry.length > 100 ? `${entry.slice(0, 100)}…` : entry);
  const address = parseAddress(entry);
  if (!address.ok) throw new ClientError(`${where}: ${shown} ${address.problem}`);
  // As in the official API: it is more likely a slip, or a page that is no list, than a host name.
  if (!/[.:]/.test(entry)) {
    throw new ClientError(
      `${where}: ${shown} is a single word; if it is a host name, write its port: ${entry}:8848`,
    );
  }
  return address.value;
}
