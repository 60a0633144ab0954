import { request as plain, type IncomingMessage } from 'node:http';
import { request as encrypted } from 'node:https';

/**
 * How this project sends HTTP requests. Not with fetch, which refuses some eighty ports that browsers refuse
 * (6000, 6666, 10080; its error is "bad port"), and any port may be an address server's or a Nacos's.
 */

export interface HttpRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Ends the request, and the reading of its answer, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** An answer whose body is still to be read; a caller that does not read all of it must abort the request. */
export interface HttpAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: { get(name: string): string | undefined };
  /** Rejects with the signal's reason, or with why the answer is incomplete. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Requests one URL, http or https. Follows no redirect, which would lead to another server than the intended
 * one.
 */
export function httpRequest(
  url: string | URL,
  { method = 'GET', headers = {}, body, signal }: HttpRequest = {},
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const target = new URL(url);
    signal?.throwIfAborted();
    const send = target.protocol === 'https:' ? encrypted : plain;
    const sent = send(target, { method, headers: { ...headers }, ...(signal ? { signal } : {}) });
    // Also after the answer, when no caller waits any more.
    sent.on('error', (error) => reject(signal?.aborted ? reasonOf(signal) : error));
    sent.on('response', (message) => {
      message.on('error', () => undefined);
      resolve({
        status: message.statusCode ?? 0,
        statusText: message.statusMessage ?? '',
        headers: {
          get: (name) => {
            const value = message.headers[name.toLowerCase()];
            return typeof value === 'object' ? value.join(', ') : value;
          },
        },
        body: chunksOf(message, signal),
      });
    });
    sent.end(body);
  });
}

async function* chunksOf(
  message: IncomingMessage,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* message as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (signal?.aborted) throw reasonOf(signal);
    const isCut = (error as Error).message === 'aborted';
    throw isCut ? new Error('the connection ended before the answer did', { cause: error }) : error;
  }
}

function reasonOf({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

/**
 * Why a request failed. If it tried several addresses of a name, it has an error for each and no text of its
 * own.
 */
export function requestFailure(error: unknown): string {
  const { message, errors, code } = error as Partial<AggregateError> & { code?: string };
  if (message) return message;
  const each = Array.isArray(errors) ? errors.map((one: unknown) => (one as Error).message) : [];
  return each.join('; ') || (code ?? 'it failed');
}
