import { createReadStream } from 'node:fs';
import { httpRequest, requestFailure } from '../../util/http-request.js';
import { ClientError } from '../client-error.js';
import { toPrintable } from '../plain.js';

/** The largest list in bytes, which is what the server takes in one request. */
const MAX_BYTES = 64 << 10;

/** How long a URL's answer may take. */
const TIMEOUT_MS = 10_000;

/** The name of a source in sentences. */
export function sourceName(source: string): string {
  if (source === '-') return 'the standard input';
  if (!isUrl(source)) return source;
  // A query may hold a token.
  return source.replace(/[?#].*$/s, '');
}

/**
 * The text of a file, of `-` (standard input) or of an http(s) URL. Throws {@link ClientError} if it cannot
 * be read whole, is too large, or is not UTF-8.
 */
export async function readSource(source: string): Promise<string> {
  const name = sourceName(source);
  if (isUrl(source)) return fetchSource(source, name);
  try {
    return await collect(source === '-' ? process.stdin : createReadStream(source), name);
  } catch (error) {
    throw error instanceof ClientError
      ? error
      : new ClientError(`${name} cannot be read (${(error as Error).message})`);
  }
}

async function fetchSource(source: string, name: string): Promise<string> {
  const url = checkUrl(source, name);
  try {
    const response = await httpRequest(url, {
      headers: { accept: 'text/plain, application/json;q=0.9, */*;q=0.1' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const { status } = response;
    if (status >= 300 && status < 400) {
      throw new ClientError(
        `${name} answers ${status} and sends its callers elsewhere; give that URL, if it is right`,
      );
    }
    if (status !== 200) throw new ClientError(`${name} answers ${status}, which is not a list`);
    return await collect(response.body, name);
  } catch (error) {
    if (error instanceof ClientError) throw error;
    throw new ClientError(
      `${name} gave no complete answer within ${TIMEOUT_MS / 1_000} s (${toPrintable(requestFailure(error))})`,
    );
  }
}

function checkUrl(source: string, name: string): URL {
  if (!URL.canParse(source)) throw new ClientError(`${name} is not a URL`);
  const url = new URL(source);
  if (url.username !== '' || url.password !== '') {
    throw new ClientError(
      'the URL has a user or a password, which are not sent; save the list to a file with curl, and import that',
    );
  }
  // An address server like this one would register that address.
  if (url.searchParams.has('self')) {
    throw new ClientError(
      `${name} is asked with self=…, which would register that address there; leave it out`,
    );
  }
  return url;
}

async function collect(stream: AsyncIterable<unknown> | Iterable<unknown>, name: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk as Uint8Array);
    size += bytes.length;
    if (size > MAX_BYTES)
      throw new ClientError(`${name} is larger than ${MAX_BYTES >> 10} KiB; is it a list?`);
    chunks.push(bytes);
  }
  try {
    // Keep the byte order mark for the parser.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new ClientError(`${name} is not UTF-8, in which Nacos reads lists`);
  }
}

function isUrl(source: string): boolean {
  return /^https?:\/\//i.test(source);
}
