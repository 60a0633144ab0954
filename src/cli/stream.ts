import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { requestFailure } from '../util/http-request.js';
import { ClientError } from './client-error.js';
import type { Client, OpenAnswer } from './client.js';
import { readPlainJson } from './plain.js';

/** What a reader of `/api/v1/stream` gets, across all connections. */
export type Said =
  | { readonly type: 'connected' }
  /** The connection was lost for this reason; the next attempt is after so many milliseconds. */
  | { readonly type: 'lost'; readonly reason: string; readonly retryMs: number }
  | { readonly type: 'message'; readonly event: string; readonly data: unknown };

/** Times in milliseconds. */
export interface StreamTimes {
  /** The connection counts as dead after this long without a byte: the server sends a comment every 15 s. */
  readonly silence: number;
  /** The first pause before reconnecting, unless the server gives another; it doubles each time. */
  readonly firstRetry: number;
  readonly longestRetry: number;
}

const TIMES: StreamTimes = { silence: 45_000, firstRetry: 1_000, longestRetry: 30_000 };

/** The most characters of one message: 10,000 members take less than a tenth. */
const LARGEST_MESSAGE = 32 * 1024 * 1024;

/**
 * Reads the stream for ever, resuming after a lost connection (Last-Event-ID). Throws {@link ClientError} if
 * the first connection fails, and later if the server wants another token. It reads on only after the last
 * message was taken, so a slow reader is waited for.
 */
export async function* readStream(
  client: Client,
  query: URLSearchParams,
  times: StreamTimes = TIMES,
): AsyncGenerator<Said, never, void> {
  const path = `/api/v1/stream?${query.toString()}`;
  let lastId: string | undefined;
  let isFirst = true;
  let pause = times.firstRetry;
  let failures = 0;
  for (;;) {
    let reason = `${client.name} ended the stream`;
    try {
      const answer = await client.open(path, lastId === undefined ? {} : { 'last-event-id': lastId });
      isFirst = false;
      yield { type: 'connected' };
      for await (const message of messages(client, answer, times.silence)) {
        failures = 0;
        if (message.type === 'retry') pause = message.ms;
        else {
          yield { type: 'message', event: message.event ?? 'message', data: readData(client, message.data) };
          lastId = message.id ?? lastId;
        }
      }
    } catch (error) {
      if (!(error instanceof ClientError) || isFirst || isFinal(error)) throw error;
      reason = error.message;
    }
    const retryMs = Math.min(pause * 2 ** failures++, times.longestRetry) * (1 + Math.random() / 5);
    yield { type: 'lost', reason, retryMs };
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}

/** Whether another attempt would fail in the same way. */
function isFinal({ status }: ClientError): boolean {
  return status === 401 || status === 403;
}

type Message =
  ({ readonly type: 'message' } & EventSourceMessage) | { readonly type: 'retry'; readonly ms: number };

/** The messages of one connection, until it ends. */
async function* messages(
  client: Client,
  { body, abort }: OpenAnswer,
  silence: number,
): AsyncGenerator<Message, void, void> {
  const parsed: Message[] = [];
  const parser = createParser({
    onEvent: (message) => parsed.push({ type: 'message', ...message }),
    onRetry: (ms) => parsed.push({ type: 'retry', ms }),
    maxBufferSize: LARGEST_MESSAGE,
  });
  const decoder = new TextDecoder();
  const chunks = body[Symbol.asyncIterator]();
  const isSilent = (): void =>
    abort(new ClientError(`${client.name} has sent nothing for ${silence / 1_000} s`));
  try {
    for (;;) {
      const limit = setTimeout(isSilent, silence);
      const next = await chunks.next().finally(() => clearTimeout(limit));
      if (next.done) return;
      parser.feed(decoder.decode(next.value, { stream: true }));
      yield* parsed.splice(0);
    }
  } catch (error) {
    if (error instanceof ClientError) throw error;
    throw new ClientError(`the connection to ${client.name} was lost (${requestFailure(error)})`);
  } finally {
    abort(new ClientError('the reader has stopped'));
  }
}

function readData(client: Client, data: string): unknown {
  try {
    return readPlainJson(data);
  } catch {
    throw new ClientError(`${client.name} sends a stream that this program cannot read`);
  }
}
