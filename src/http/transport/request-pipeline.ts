import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Connections } from './connections.js';
import type { LoopBudget } from '../../util/loop-budget.js';

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

/** What becomes of requests. */
interface Parts {
  /** A connection with more requests waiting is cut off. */
  readonly most: number;
  /** So is one whose request would wait beside this many of all connections. */
  readonly mostOfAll: number;
  readonly share: LoopBudget;
  /** Whether a request comes before those of other connections. */
  readonly isUrgent: (request: IncomingMessage) => boolean;
  readonly handle: Handle;
}

/** The requests of a connection: the one that is being answered, and those that wait for it. */
interface Line {
  answering: ServerResponse;
  readonly waiting: (readonly [IncomingMessage, ServerResponse])[];
}

/**
 * Hands on the requests of a connection one after another, each when the answer before it was taken. Node hands on all
 * that came at once, at once: one chunk of short requests would have a thousand long answers built, or as many polls
 * held. And what changes something must not be overtaken (RFC 9112, 9.3.2). All connections together get a share of each
 * turn of the event loop only (loop-budget.ts).
 */
export class RequestPipeline {
  readonly #connections: Connections;
  readonly #parts: Parts;
  readonly #lines = new Map<Socket, Line>();
  /** Requests that wait, of all lines. */
  #waiting = 0;
  #idle: (() => void) | undefined;

  constructor(connections: Connections, parts: Parts) {
    this.#connections = connections;
    this.#parts = parts;
  }

  readonly serve = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    const line = this.#lines.get(socket);
    if (!line) {
      this.#lines.set(socket, { answering: response, waiting: [] });
      this.#connections.setBusy(this.#connections.of(socket), true);
      return this.#begin(request, response);
    }
    const { most, mostOfAll } = this.#parts;
    if (line.waiting.length >= most || this.#waiting >= mostOfAll)
      return this.#connections.cut(socket, 'rate');
    line.waiting.push([request, response]);
    this.#waiting++;
  };

  /** Whether an answer has begun on the connection and not ended, so nothing else may be written on it. */
  isMidAnswer(socket: Socket): boolean {
    const answering = this.#lines.get(socket)?.answering;
    return answering !== undefined && answering.headersSent && !answering.writableEnded;
  }

  /** Resolves when nothing is under way, after `limit` milliseconds at the latest. */
  drained(limit: number): Promise<void> {
    if (this.#lines.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, limit);
      this.#idle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #begin(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    response.once('close', () => {
      // Not in the same breath, or who pipelines would keep everybody else waiting.
      if (this.#lines.get(socket)?.waiting.length) setImmediate(() => this.#next(socket));
      else this.#end(socket);
    });
    const { share, isUrgent, handle } = this.#parts;
    share.run(() => {
      // Whoever hung up meanwhile gets no answer, so nothing may be done for it.
      if (!response.destroyed) handle(request, response);
    }, isUrgent(request));
  }

  #next(socket: Socket): void {
    const line = this.#lines.get(socket);
    const next = line?.waiting.shift();
    if (next) this.#waiting--;
    // What follows a request that ended the connection must not be done: nobody would get the answer.
    if (!line || !next || !socket.writable) return this.#end(socket);
    [, line.answering] = next;
    this.#begin(...next);
  }

  #end(socket: Socket): void {
    this.#waiting -= this.#lines.get(socket)?.waiting.length ?? 0;
    this.#lines.delete(socket);
    this.#connections.setBusy(this.#connections.of(socket), false);
    if (this.#lines.size === 0) this.#idle?.();
  }
}
