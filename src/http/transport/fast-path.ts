import type { Server as HttpServer } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import type { Connection, Connections } from './connections.js';
import { BROWSER_FIELDS, isFromBrowser } from '../browser.js';
import { DEFAULT_LIMITS, type Limits } from './limits.js';
import { KEEP_ALIVE } from '../nacos/list-response.js';
import type { ListReader } from '../nacos/list-reader.js';
import { isSdkClient } from '../nacos/read-list-request.js';
import { isListPath, parseTarget, type ListRequest } from '../nacos/list-request.js';
import type { RequestKind, TrafficObserver } from '../http-observer.js';
import { LoopClock } from './loop-clock.js';

/** The largest request that is read here, in bytes; a poll has some 300. */
const MAX_REQUEST = 4_096;

/** Header fields that only the HTTP server behind can interpret. */
const SPECIAL = new Set<string>([
  'authorization',
  'content-length',
  'transfer-encoding',
  'expect',
  'upgrade',
  'te',
  'trailer',
]);

/**
 * The front door: answers polls and heartbeats that need no decision straight from the socket, several times
 * as fast as node:http. It handles only whole requests, one at a time, in their plainest form. The first
 * request of any other kind goes with its connection, for good, to the HTTP server behind, which handles all
 * of HTTP.
 */
export class FastPath {
  readonly server: Server;
  readonly #http: HttpServer;
  readonly #reader: ListReader;
  readonly #connections: Connections;
  readonly #limits: Limits;
  readonly #traffic: TrafficObserver;
  readonly #turn = new LoopClock();
  readonly #targets: Cache<ListRequest | undefined>;
  readonly #headers: Cache<boolean>;

  constructor(
    http: HttpServer,
    reader: ListReader,
    connections: Connections,
    limits: Limits,
    traffic: TrafficObserver,
  ) {
    this.#http = http;
    this.#reader = reader;
    this.#connections = connections;
    this.#limits = limits;
    this.#traffic = traffic;
    this.#targets = new Cache(limits.remembered);
    this.#headers = new Cache(limits.remembered);
    this.server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
  }

  #accept(socket: Socket): void {
    const connection = this.#connections.admit(socket);
    if (!connection) return void socket.destroy();
    const isProxy = this.#connections.isProxy(socket);
    const { arrival, unread } = this.#limits;
    const onData = (chunk: Buffer): void => {
      const since = this.#turn.start();
      const answer = isProxy ? undefined : this.#read(chunk, connection);
      if (answer === undefined) return handOver(chunk);
      socket.write(answer.bytes);
      this.#traffic.answered(answer.ask, 'list', performance.now() - since);
      if (socket.writableLength > unread) this.#connections.cut(socket, 'slow');
    };
    const onTimeout = (): void => void socket.destroy();
    const onError = (): void => void socket.destroy();
    const handOver = (chunk: Buffer): void => {
      socket.off('data', onData);
      socket.off('timeout', onTimeout);
      socket.off('error', onError);
      socket.setTimeout(0);
      socket.pause();
      socket.unshift(chunk);
      this.#http.emit('connection', socket);
      socket.resume();
    };
    socket.setTimeout(arrival);
    socket.once('data', () => socket.setTimeout((KEEP_ALIVE + 5) * 1_000));
    socket.on('data', onData);
    socket.on('timeout', onTimeout);
    socket.on('error', onError);
  }

  /** The response to a request that is whole and plain and needs no decision. */
  #read(chunk: Buffer, connection: Connection): { bytes: Buffer; ask: RequestKind } | undefined {
    if (chunk.length > MAX_REQUEST) return undefined;
    const text = chunk.toString('latin1');
    const isHeartbeat = text.startsWith('POST /');
    if (!isHeartbeat && !text.startsWith('GET /')) return undefined;
    const lineEnd = text.indexOf(' HTTP/1.1\r\n', 5);
    if (lineEnd < 0) return undefined;
    const headers = text.slice(lineEnd);
    const plain = this.#headers.get(headers, isPlain);
    if (!plain) return undefined;
    const target = this.#targets.get(text.slice(isHeartbeat ? 5 : 4, lineEnd), readTarget);
    if (!target) return undefined;
    const found = isHeartbeat ? this.#reader.beat(target, connection) : this.#reader.read(target, connection);
    if (!found) return undefined;
    const ask = isHeartbeat ? 'heartbeat' : target.self === undefined ? 'plain' : 'poll';
    return { bytes: this.#reader.whole(found, target.format), ask };
  }
}

/**
 * Whether the text after the request line is the headers of exactly one request that has no body, keeps the
 * connection open, and contains nothing that HTTP servers have ever disagreed about.
 */
function isPlain(headers: string): boolean {
  if (headers.indexOf('\r\n\r\n') !== headers.length - 4) return false;
  const lines = headers.slice(0, -4).split('\r\n').slice(1);
  if (lines.length > DEFAULT_LIMITS.headerFields) return false;
  if (!lines.every((line) => /^[\w!#$%&'*+.^`|~-]+:[\t\x20-\x7e\x80-\xff]*$/.test(line))) return false;
  const names = lines.map((line) => line.slice(0, line.indexOf(':')).toLowerCase());
  if (names.filter((name) => name === 'host').length !== 1) return false;
  if (names.some((name) => SPECIAL.has(name))) return false;
  if (isFromBrowser(saidOfBrowsers(lines, names))) return false;
  // SDK clients get lists in another format.
  if (lines.some((line) => /^user-agent:/i.test(line) && isSdkClient(line.slice(11).trim()))) return false;
  return lines.every((line) => !/^connection:/i.test(line) || /^connection:\s*keep-alive\s*$/i.test(line));
}

/** The header fields that identify a browser; any occurrence counts if one is repeated. */
function saidOfBrowsers(lines: readonly string[], names: readonly string[]): Record<string, string> {
  const said: Record<string, string> = {};
  for (const [i, name] of names.entries()) {
    if (BROWSER_FIELDS.includes(name)) said[name] = lines[i]?.slice(name.length + 1).trim() ?? '';
  }
  return said;
}

/** Only valid requests are answered here; the slow path explains errors. */
function readTarget(url: string): ListRequest | undefined {
  if (/[^\x21-\x7e]/.test(url) || !isListPath(url.split('?', 1)[0] ?? '')) return undefined;
  const target = parseTarget(url);
  return target.ok ? target.value : undefined;
}

/** Caches results by their input; clears itself when it is full. */
class Cache<V> {
  readonly #size: number;
  readonly #results = new Map<string, V>();
  #held = 0;

  constructor(size: number) {
    this.#size = size;
  }

  get(input: string, compute: (input: string) => V): V {
    const known = this.#results.get(input);
    if (known !== undefined || this.#results.has(input)) return known as V;
    if (this.#held + input.length > this.#size) {
      this.#results.clear();
      this.#held = 0;
    }
    this.#held += input.length;
    const result = compute(input);
    // A slice would keep the chunk's whole text alive; a copy does not.
    this.#results.set(Buffer.from(input, 'latin1').toString('latin1'), result);
    return result;
  }
}
