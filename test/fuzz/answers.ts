/** One answer on the wire. */
export interface Answer {
  readonly status: number;
  /** With lower-case names. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** Whether all of it came that it promises. */
  readonly complete: boolean;
}

const STATUS_LINE = /^HTTP\/1\.1 (\d{3}) [\x20-\x7e]+$/;
const FIELD = /^[A-Za-z0-9-]+: ?[\t\x20-\x7e\x80-\xff]*$/;

/**
 * The answers to requests of these methods, in their order; the last may be incomplete. One with 1xx is none. Throws when
 * the bytes are no HTTP.
 */
export function readAnswers(bytes: string, methods: readonly string[]): Answer[] {
  const answers: Answer[] = [];
  for (let at = 0; at < bytes.length;) {
    const headEnd = bytes.indexOf('\r\n\r\n', at);
    if (headEnd < 0) return answers;
    const [line = '', ...fields] = bytes.slice(at, headEnd).split('\r\n');
    const status = Number(STATUS_LINE.exec(line)?.[1]);
    if (!status) throw new Error(`no status line: ${JSON.stringify(line)}`);
    const headers = new Map<string, string>();
    for (const field of fields) {
      if (!FIELD.test(field)) throw new Error(`no header field: ${JSON.stringify(field)}`);
      const colon = field.indexOf(':');
      const name = field.slice(0, colon).toLowerCase();
      if (headers.has(name)) throw new Error(`a field comes twice: ${name}`);
      headers.set(name, field.slice(colon + 1).trim());
    }
    const start = headEnd + 4;
    if (status < 200) {
      at = start;
      continue;
    }
    // A HEAD has no body, but for the chunk that is never the last (unterminated.ts).
    const isHead = methods[answers.length] === 'HEAD' && !/^[0-9a-f]+\r\n/.test(bytes.slice(start));
    const { body, end, complete } = readBody(bytes, start, headers, isHead);
    answers.push({ status, headers, body, complete });
    if (!complete) return answers;
    at = end;
  }
  return answers;
}

function readBody(
  bytes: string,
  start: number,
  headers: ReadonlyMap<string, string>,
  isHead: boolean,
): { body: string; end: number; complete: boolean } {
  if (isHead) return { body: '', end: start, complete: true };
  if (headers.get('transfer-encoding') === 'chunked') return readChunks(bytes, start);
  const length = headers.get('content-length');
  if (length === undefined) {
    // To HTTP/1.0, which knows no chunks.
    if (headers.get('connection') !== 'close') throw new Error('neither a length, nor chunks, nor an end');
    return { body: bytes.slice(start), end: bytes.length, complete: true };
  }
  if (!/^\d+$/.test(length)) throw new Error(`no length: ${length}`);
  const end = start + Number(length);
  return { body: bytes.slice(start, end), end, complete: bytes.length >= end };
}

function readChunks(bytes: string, start: number): { body: string; end: number; complete: boolean } {
  let body = '';
  for (let at = start; ;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return { body, end: bytes.length, complete: false };
    const size = bytes.slice(at, lineEnd);
    if (!/^[0-9a-f]+$/i.test(size)) throw new Error(`no chunk size: ${JSON.stringify(size.slice(0, 100))}`);
    const from = lineEnd + 2;
    const to = from + parseInt(size, 16);
    if (bytes.length < to + 2) return { body, end: bytes.length, complete: false };
    if (to === from) return { body, end: to + 2, complete: true };
    body += bytes.slice(from, to);
    at = to + 2;
  }
}
