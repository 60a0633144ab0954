import { presenceOf } from '../../registry/lease.js';
import type { Address } from '../../registry/address.js';
import type { Cluster } from '../../registry/cluster.js';
import type { Rules } from '../../registry/rules.js';
import type { ListFormat } from './list-request.js';

/** How long an idle poll connection is kept, in seconds; Nacos polls every 5 s on the same one. */
export const KEEP_ALIVE = 75;

const DATE = 'Date: ';

/** A response, the position of its date, and the second that the date shows. */
interface Dated {
  readonly bytes: Buffer;
  readonly dateAt: number;
  second: number;
}

/**
 * Complete HTTP responses with a cluster's list, built once per change. Once a second the date is overwritten
 * in place: with thousands of clusters, new responses every second were the server's largest garbage.
 */
export class ListAnswers {
  readonly #prebuilt = new WeakMap<Cluster, Partial<Record<ListFormat, Dated>>>();
  #second = 0;
  #date = '';

  get(cluster: Cluster, format: ListFormat): Buffer {
    let answers = this.#prebuilt.get(cluster);
    if (!answers) this.#prebuilt.set(cluster, (answers = {}));
    const second = Math.floor(Date.now() / 1_000);
    const answer = (answers[format] ??= build(cluster, format));
    if (answer.second !== second) {
      if (this.#second !== second) {
        this.#second = second;
        this.#date = new Date(second * 1_000).toUTCString();
      }
      // HTTP dates always have the same length.
      answer.bytes.write(this.#date, answer.dateAt, 'latin1');
      answer.second = second;
    }
    return answer.bytes;
  }
}

function build(cluster: Cluster, format: ListFormat): Dated {
  const bytes = whole(cluster, [...cluster.members.keys()], format);
  return { bytes, dateAt: bytes.indexOf(DATE) + DATE.length, second: NaN };
}

/**
 * The members that answer now, for SDK clients, which cannot use an empty list: if no member answers, they
 * get all. The caller, if listed, is always included.
 */
export function liveList(
  { members }: Cluster,
  self: Address | undefined,
  rules: Rules,
  now: number,
): Address[] {
  const live = [...members.values()].filter(
    (member) => member.address === self || presenceOf(member, rules, now) === 'live',
  );
  return live.length > 0 ? live.map(({ address }) => address) : [...members.keys()];
}

/**
 * The body that Nacos reads: one `host:port` a line, without blank lines or a BOM; or the same in JSON (1.3.0
 * to 2.0.2).
 */
export function listBody(addresses: readonly Address[], format: ListFormat): string {
  if (format === 'crlf') return addresses.join('\r\n');
  const lines = addresses.map((address) => `${address}\n`).join('');
  return format === 'json' ? JSON.stringify({ code: 200, message: null, data: lines.trimEnd() }) : lines;
}

/** A complete HTTP/1.1 response with a list. */
export function whole(cluster: Cluster, addresses: readonly Address[], format: ListFormat): Buffer {
  const body = listBody(addresses, format);
  const headers = Object.entries(listHeaders(cluster, body, format)).map(
    ([name, value]) => `${name}: ${value}`,
  );
  const head = [
    'HTTP/1.1 200 OK',
    ...headers,
    `${DATE}${new Date().toUTCString()}`,
    'Connection: keep-alive',
    `Keep-Alive: timeout=${KEEP_ALIVE}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** The headers of a list. */
export function listHeaders(
  cluster: Cluster,
  body: string | Buffer,
  format: ListFormat,
): Record<string, string> {
  return {
    'Content-Type': format === 'json' ? 'application/json;charset=UTF-8' : 'text/plain;charset=UTF-8',
    'Content-Length': String(Buffer.byteLength(body)),
    'Cache-Control': 'no-store',
    'Address-Server-Revision': String(cluster.revision),
  };
}
