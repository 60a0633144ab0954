import { createParser } from 'eventsource-parser';
import { get, type IncomingMessage } from 'node:http';
import type { TestContext } from 'node:test';
import { eventually } from './eventually.js';

/** One message of a stream. */
export interface Message {
  readonly event: string;
  readonly data: unknown;
  readonly id: string | undefined;
}

/** Somebody who listens to `/api/v1/stream`, as a browser's EventSource does, but for the coming back. */
export class StreamClient {
  readonly messages: Message[] = [];
  readonly comments: string[] = [];
  retry: number | undefined;
  isEnded = false;
  readonly #response: IncomingMessage;

  private constructor(response: IncomingMessage) {
    this.#response = response;
    const parser = createParser({
      onEvent: ({ event = 'message', data, id }) =>
        void this.messages.push({ event, data: JSON.parse(data) as unknown, id }),
      onComment: (comment) => void this.comments.push(comment),
      onRetry: (retry) => (this.retry = retry),
    });
    response.setEncoding('utf8');
    response.on('data', (text: string) => parser.feed(text));
    response.on('error', () => undefined);
    response.once('close', () => (this.isEnded = true));
  }

  static async open(
    t: Pick<TestContext, 'after'>,
    { port }: { port: number },
    query = '',
    headers: Readonly<Record<string, string>> = {},
  ): Promise<StreamClient> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get({ port, host: '127.0.0.1', path: `/api/v1/stream${query}`, headers, agent: false }, resolve).once(
        'error',
        reject,
      );
    });
    if (response.statusCode !== 200) {
      response.destroy();
      throw new Error(`the stream is answered ${response.statusCode}`);
    }
    const client = new StreamClient(response);
    t.after(() => client.hangUp());
    return client;
  }

  get headers(): IncomingMessage['headers'] {
    return this.#response.headers;
  }

  hangUp(): void {
    this.#response.destroy();
  }

  /** The data of all messages of a name, in their order. */
  all<T>(event: string): T[] {
    return this.messages.filter((message) => message.event === event).map(({ data }) => data as T);
  }

  /** The data of the first message of a name that is as wanted, also of those that came already. */
  next<T>(event: string, wanted: (data: T) => boolean = () => true): Promise<T> {
    return eventually(`a message ${event}`, () => {
      const found = this.all<T>(event).find(wanted);
      return found === undefined ? undefined : [found];
    }).then(([data]) => data as T);
  }

  /** The id of the last message that had one. */
  get lastId(): string | undefined {
    return this.messages.findLast(({ id }) => id !== undefined)?.id;
  }

  /** The numbers of all events that it was told, in their order. */
  get seqs(): number[] {
    return this.all<{ events: { seq: number }[] }>('events').flatMap(({ events }) =>
      events.map(({ seq }) => seq),
    );
  }
}
