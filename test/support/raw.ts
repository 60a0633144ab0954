import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { NEVER } from './eventually.js';

/** What a Nacos node sends with every poll (seen, docs/internals/nacos.md), Host included. */
export const NACOS = [
  'Host: 127.0.0.1:8080',
  'User-Agent: Java/17.0.15',
  'Accept-Charset: UTF-8',
  'Content-Type: application/json;charset=UTF-8',
  'Accept: text/html, image/gif, image/jpeg, */*; q=0.2',
  'Connection: keep-alive',
];

export const CURL = ['Host: 127.0.0.1:8080', 'User-Agent: curl/8.5.0', 'Accept: */*'];

/** An operator's program. */
export const JSON_CLIENT = [
  'Host: 127.0.0.1:8080',
  'User-Agent: python-httpx/0.27',
  'Accept: application/json',
];

/** One answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  /** With lower-case names. */
  readonly headers: ReadonlyMap<string, string>;
  /** Without chunk sizes. */
  readonly body: string;
  readonly bytes: string;
  /**
   * Whether an HTTP client takes it for an answer: all of Content-Length has come, or the last chunk. Java's
   * client reports an exception for anything else.
   */
  readonly complete: boolean;
}

/** A TCP connection on which a test writes its own bytes and reads the server's. */
export class RawConnection {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #ended = false;
  #wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake?.();
    });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.#ended = true;
      this.#wake?.();
    });
  }

  static async open(port: number, from?: string): Promise<RawConnection> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, ...(from && { localAddress: from }) });
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  get isClosed(): boolean {
    return this.#ended || this.socket.destroyed;
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Ends the connection as the death of a process does. */
  hangUp(): void {
    this.socket.destroy();
  }

  /** The next answer: complete, or what there was when the connection ended. */
  async receive({ head = false, timeout = NEVER } = {}): Promise<RawAnswer> {
    const deadline = performance.now() + timeout;
    for (;;) {
      const found = parse(this.#received.toString('latin1'), head, this.#ended);
      if (found) {
        this.#received = this.#received.subarray(found.bytes.length);
        return found;
      }
      await this.#next(deadline, 'an answer');
    }
  }

  /** All bytes until the server closes the connection. */
  async drain(timeout = NEVER): Promise<string> {
    const deadline = performance.now() + timeout;
    while (!this.#ended) await this.#next(deadline, 'the end of the connection');
    return this.#received.toString('latin1');
  }

  async #next(deadline: number, what: string): Promise<void> {
    const left = deadline - performance.now();
    if (left <= 0 || (this.#ended && what === 'an answer')) {
      throw new Error(`${what} did not come; received ${JSON.stringify(this.#received.toString('latin1'))}`);
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, left);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Undefined while more must come. */
function parse(bytes: string, isHead: boolean, ended: boolean): RawAnswer | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [statusLine = '', ...lines] = bytes.slice(0, headEnd).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]);
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const start = headEnd + 4;
  const answer = (end: number, body: string, complete: boolean): RawAnswer => ({
    status,
    headers,
    body: Buffer.from(body, 'latin1').toString('utf8'),
    bytes: bytes.slice(0, end),
    complete,
  });
  if (isHead) return answer(start, '', true);
  const rest = bytes.slice(start);
  if (headers.get('transfer-encoding') === 'chunked') {
    const { body, length, last } = dechunk(rest);
    if (!last && !ended) return undefined;
    return answer(start + length, body, last);
  }
  const length = Number(headers.get('content-length') ?? NaN);
  if (rest.length >= length) return answer(start + length, rest.slice(0, length), true);
  return ended ? answer(bytes.length, rest, Number.isNaN(length)) : undefined;
}

function dechunk(text: string): { body: string; length: number; last: boolean } {
  let body = '';
  let at = 0;
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    const size = lineEnd < 0 ? NaN : parseInt(text.slice(at, lineEnd), 16);
    const end = lineEnd + 2 + size + 2;
    if (Number.isNaN(size) || text.length < end) return { body, length: text.length, last: false };
    if (size === 0) return { body, length: end, last: true };
    body += text.slice(lineEnd + 2, end - 2);
    at = end;
  }
}

export function request(
  method: string,
  path: string,
  headers: readonly string[] = CURL,
  body = '',
  version = '1.1',
): string {
  return `${method} ${path} HTTP/${version}\r\n${headers.map((header) => `${header}\r\n`).join('')}\r\n${body}`;
}

/** One request on a connection of its own, which is closed afterwards. */
export async function ask(
  { port }: { port: number },
  method: string,
  path: string,
  headers: readonly string[] = CURL,
  body = '',
  from?: string,
): Promise<RawAnswer> {
  const connection = await RawConnection.open(port, from);
  try {
    const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
    connection.send(request(method, path, [...headers, ...length], body));
    return await connection.receive({ head: method === 'HEAD' });
  } finally {
    connection.hangUp();
  }
}

/** The operators' side, as JSON. */
export async function getJson<T = Record<string, unknown>>(
  server: { port: number },
  path: string,
  headers: readonly string[] = [],
): Promise<T> {
  const answer = await ask(server, 'GET', path, [...JSON_CLIENT, ...headers]);
  if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status} ${answer.body}`);
  return JSON.parse(answer.body) as T;
}
