import type { ServerResponse } from 'node:http';

/** Bytes that a reader may leave unsent before it is cut off. */
const MAX_UNSENT = 4 << 20;

/** How often something is sent: proxies end connections on which nothing goes. */
const COMMENT_EVERY_MS = 15_000;

/** Milliseconds after which a browser asks again when the connection ended. */
const RETRY = 2_000;

/** A message as it is sent. */
export function messageOf(event: string, json: string): Buffer {
  return Buffer.from(`event: ${event}\ndata: ${json}\n\n`);
}

/** One response of server-sent events (WHATWG HTML §9.2). */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #comments: NodeJS.Timeout;
  /** A snapshot may be larger than what may be left unsent: it does not count until it has gone out. */
  #allowance = 0;
  #draining: Promise<void> | undefined;

  /** Sends the head at once. */
  constructor(response: ServerResponse, commentEvery = COMMENT_EVERY_MS) {
    this.#response = response;
    response.writeHead(200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      // nginx would hold the messages back otherwise.
      'X-Accel-Buffering': 'no',
    });
    this.#write(`retry: ${RETRY}\n\n`);
    this.#comments = setInterval(() => this.#write(': still here\n\n'), commentEvery);
    response.once('close', () => clearInterval(this.#comments));
    response.on('drain', () => (this.#allowance = 0));
  }

  /** The same for what must reach even a slow reader. */
  sendLarge(event: string, json: string): void {
    this.sendShared(messageOf(event, json), true);
  }

  /** The same for many readers: one copy of it in memory, however many do not read. */
  sendShared(message: Buffer, isLarge = false): void {
    if (isLarge) this.#allowance += message.length;
    this.#write(message);
  }

  /** `json` and `id` hold no line breaks. False when the reader should be given time (`drained`). */
  send(event: string, json: string, id?: string): boolean {
    return this.#write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${json}\n\n`);
  }

  /** Resolves when the reader has taken everything, or is gone. */
  drained(): Promise<void> {
    const response = this.#response;
    if (response.destroyed || !response.writableNeedDrain) return Promise.resolve();
    // One for all that wait: a reader that reads nothing is told of many events.
    return (this.#draining ??= new Promise((resolve) => {
      const end = (): void => {
        this.#draining = undefined;
        response.off('drain', end);
        response.off('close', end);
        resolve();
      };
      response.on('drain', end);
      response.on('close', end);
    }));
  }

  end(): void {
    clearInterval(this.#comments);
    this.#response.end();
  }

  #write(text: string | Buffer): boolean {
    const response = this.#response;
    if (response.destroyed || response.writableEnded) return false;
    if (response.writableLength > MAX_UNSENT + this.#allowance) {
      // It reads too slowly, or not at all. It may come back and go on where it was.
      response.destroy();
      return false;
    }
    return response.write(text);
  }
}
