import { connect } from 'node:net';
import { TooLarge } from '../util/bounded-text.js';

/*
 * HTTP/1.1 client for Nacos nodes: several requests at once on one connection, which is closed afterwards.
 * Not node:http, which takes twice the CPU time for a short answer while the doctor reads thousands of nodes
 * all the time (npm run bench:doctor).
 */

export interface NodeRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Maximum bytes of the answer's body; more rejects with TooLarge. */
  readonly largest: number;
}

export interface NodeAnswer {
  readonly status: number;
  /** The header `Date`. */
  readonly date: string | undefined;
  readonly text: string;
}

/** Where to connect to a node. */
export interface NodePlace {
  /** An IP address, or a name that the system looks up. */
  readonly host: string;
  readonly port: number;
  /** Value of the header `Host`. */
  readonly called: string;
}

/** The largest head of an answer, in bytes; as much as node:http reads. */
const LARGEST_HEAD = 16_384;

/** The longest line with a chunk's size or a trailer, in bytes. */
const LONGEST_LINE = 1_024;

/**
 * Sends all requests at once and resolves with their answers in the same order, fewer if the node closes its
 * connection early, as it may. Rejects with the signal's reason, with TooLarge, or with the reason why no
 * first answer came.
 */
export function askNode(
  { host, port, called }: NodePlace,
  requests: readonly NodeRequest[],
  signal: AbortSignal,
): Promise<NodeAnswer[]> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const answers: NodeAnswer[] = [];
    let reader = new AnswerReader(requests[0]?.largest ?? 0);
    const socket = connect({ host, port, noDelay: true });
    const end = (error?: Error): void => {
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      if (error && answers.length === 0) reject(error);
      else resolve(answers);
    };
    const fail = (error: Error): void => {
      answers.length = 0;
      end(error);
    };
    const onAbort = (): void => {
      const { reason } = signal as { reason: unknown };
      fail(reason instanceof Error ? reason : new Error(String(reason)));
    };
    signal.addEventListener('abort', onAbort);
    const take = (bytes: Buffer): void => {
      for (let at = 0; at < bytes.length;) {
        at = reader.take(bytes, at);
        if (!reader.isWhole) return;
        answers.push(reader.answer());
        const next = requests[answers.length];
        if (!next || reader.isLast) return end();
        reader = new AnswerReader(next.largest);
      }
    };
    socket.on('data', (bytes) => {
      try {
        take(bytes);
      } catch (error) {
        fail(error as Error);
      }
    });
    socket.on('error', (error) => end(error));
    socket.on('close', () => {
      if (reader.endsWithConnection) answers.push(reader.answer());
      end(new Error('the connection ended before the answer did'));
    });
    socket.write(
      requests.map((request, at) => written(request, called, at === requests.length - 1)).join(''),
    );
  });
}

function written({ method, path, headers, body }: NodeRequest, called: string, isLast: boolean): string {
  const all = {
    host: called,
    ...headers,
    ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
    connection: isLast ? 'close' : 'keep-alive',
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`;
}

/** Parses one answer. Its methods throw for anything but HTTP, and for an answer that is too large. */
export class AnswerReader {
  readonly #largest: number;
  #state: 'head' | 'sized' | 'chunk size' | 'chunk' | 'chunk end' | 'trailer' | 'open' | 'whole' = 'head';
  /** The unfinished head or line. */
  #text = '';
  #status = 0;
  #date: string | undefined;
  #isLast = false;
  /** Bytes missing from the body or the chunk. */
  #left = 0;
  #size = 0;
  readonly #parts: Buffer[] = [];

  constructor(largest: number) {
    this.#largest = largest;
  }

  get isWhole(): boolean {
    return this.#state === 'whole';
  }

  /** Whether the node closes the connection after this answer. */
  get isLast(): boolean {
    return this.#isLast;
  }

  /** Whether the end of the connection ends this answer. */
  get endsWithConnection(): boolean {
    return this.#state === 'open';
  }

  answer(): NodeAnswer {
    const [only] = this.#parts;
    const bytes = this.#parts.length === 1 && only ? only : Buffer.concat(this.#parts);
    return { status: this.#status, date: this.#date, text: bytes.toString() };
  }

  /** Consumes bytes from `at` on, and returns where the answer's share ends. */
  take(bytes: Buffer, at: number): number {
    while (at < bytes.length && this.#state !== 'whole') {
      switch (this.#state) {
        case 'head':
          at = this.#until(bytes, at, '\r\n\r\n', LARGEST_HEAD, (head) => this.#begin(head));
          break;
        case 'chunk size':
          at = this.#until(bytes, at, '\r\n', LONGEST_LINE, (line) => this.#beginChunk(line));
          break;
        case 'chunk end':
          at = this.#until(bytes, at, '\r\n', LONGEST_LINE, () => (this.#state = 'chunk size'));
          break;
        case 'trailer':
          at = this.#until(bytes, at, '\r\n', LONGEST_LINE, (line) => {
            if (line === '') this.#state = 'whole';
          });
          break;
        default:
          at = this.#takeBody(bytes, at);
      }
    }
    return at;
  }

  #takeBody(bytes: Buffer, at: number): number {
    const end = this.#state === 'open' ? bytes.length : Math.min(bytes.length, at + this.#left);
    this.#size += end - at;
    if (this.#size > this.#largest) throw new TooLarge(this.#largest);
    this.#parts.push(bytes.subarray(at, end));
    this.#left -= end - at;
    if (this.#state === 'sized' && this.#left === 0) this.#state = 'whole';
    if (this.#state === 'chunk' && this.#left === 0) this.#state = 'chunk end';
    return end;
  }

  #until(bytes: Buffer, at: number, mark: string, most: number, then: (text: string) => void): number {
    const known = this.#text.length;
    // The mark may have started in the bytes before.
    const text = this.#text + bytes.toString('latin1', at, Math.min(bytes.length, at + most - known));
    const end = text.indexOf(mark, Math.max(0, known - mark.length));
    if (end < 0) {
      if (text.length >= most) throw new Error('its answer is not HTTP');
      this.#text = text;
      return bytes.length;
    }
    this.#text = '';
    then(text.slice(0, end));
    return at + end + mark.length - known;
  }

  #begin(head: string): void {
    const status = /^HTTP\/1\.([01]) (\d{3})(?: |\r|$)/.exec(head);
    if (!status) throw new Error('its answer is not HTTP');
    this.#status = Number(status[2]);
    // An informational answer (1xx) comes before the real one.
    if (this.#status < 200) return;
    this.#date = fieldIn(head, 'date');
    const connection = fieldIn(head, 'connection')?.toLowerCase();
    this.#isLast = status[1] === '0' ? connection !== 'keep-alive' : connection === 'close';
    if (fieldIn(head, 'transfer-encoding')?.toLowerCase() === 'chunked') {
      this.#state = 'chunk size';
      return;
    }
    const length = fieldIn(head, 'content-length');
    if (this.#status === 204 || this.#status === 304) this.#state = 'whole';
    else if (length === undefined) {
      this.#state = 'open';
      this.#isLast = true;
    } else {
      if (!/^\d{1,15}$/.test(length)) throw new Error('its answer is not HTTP');
      this.#left = Number(length);
      if (this.#left > this.#largest) throw new TooLarge(this.#largest);
      this.#state = this.#left === 0 ? 'whole' : 'sized';
    }
  }

  #beginChunk(line: string): void {
    const size = /^([0-9a-f]{1,8})[ \t]*(?:;|$)/i.exec(line)?.[1];
    if (size === undefined) throw new Error('its answer is not HTTP');
    this.#left = parseInt(size, 16);
    this.#state = this.#left === 0 ? 'trailer' : 'chunk';
  }
}

/** The value of a header; `name` in lower case. */
function fieldIn(head: string, name: string): string | undefined {
  const lower = head.toLowerCase();
  const at = lower.indexOf(`\r\n${name}:`);
  if (at < 0) return undefined;
  const from = at + name.length + 3;
  const end = head.indexOf('\r\n', from);
  return head.slice(from, end < 0 ? undefined : end).trim();
}
