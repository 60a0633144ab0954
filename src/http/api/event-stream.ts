import type { ServerResponse } from 'node:http';

/** How many bytes a reader may leave unsent before it is cut off. */
const MAX_UNSENT = 4 << 20;

/** How often a comment is sent: proxies close idle connections. */
const COMMENT_EVERY_MS = 15_000;

/** Milliseconds after which a browser reconnects. */
const RETRY = 2_000;

/** Formats a message for sending. */
export function messageOf(event: string, json: string): Buffer {
  return Buffer.from(`event: ${event}\ndata: ${json}\n\n`);
}

/** One response of server-sent events (WHATWG HTML §9.2). */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #comments: NodeJS.Timeout;
  /**
   * Bytes of a snapshot that are not sent yet. A snapshot may exceed the limit for unsent data, so it does
   * not count until it has gone out.
   */
  #allowance = 0;
  #draining: Promise<void> | undefined;

  /** Sends the head at once. */
  constructor(response: ServerResponse, commentEvery = COMMENT_EVERY_MS) {
    this.#response = response;
    response.writeHead(200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      // Without this, nginx would buffer the messages.
      'X-Accel-Buffering': 'no',
    });
    this.#write(`retry: ${RETRY}\n\n`);
    this.#comments = setInterval(() => this.#write(': still here\n\n'), commentEvery);
    response.once('close', () => clearInterval(this.#comments));
    response.on('drain', () => (this.#allowance = 0));
  }

  /**
   * Sends a message that must reach even a slow reader: it does not count against the limit for unsent data.
   */
  sendLarge(event: string, json: string): void {
    this.sendShared(messageOf(event, json), true);
  }

  /** Sends a prepared message. Many readers share one copy of it in memory, even while they do not read. */
  sendShared(message: Buffer, isLarge = false): void {
    if (isLarge) this.#allowance += message.length;
    this.#write(message);
  }

  /**
   * Sends a message. `json` and `id` contain no line breaks. False if the caller should wait for the reader
   * (`drained`).
   */
  send(event: string, json: string, id?: string): boolean {
    return this.#write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${json}\n\n`);
  }

  /** Resolves when the reader has taken everything, or is gone. */
  drained(): Promise<void> {
    const response = this.#response;
    if (response.destroyed || !response.writableNeedDrain) return Promise.resolve();
    // One promise for all waiters: many events may wait for one reader.
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
      // It reads too slowly, or not at all. It may reconnect and resume.
      response.destroy();
      return false;
    }
    return response.write(text);
  }
}
