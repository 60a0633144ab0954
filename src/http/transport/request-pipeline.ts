import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Connections } from './connections.js';
import type { LoopBudget } from '../../util/loop-budget.js';

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

/** The limits and handlers of the pipeline. */
interface Parts {
  /** A connection with more waiting requests is cut off. */
  readonly most: number;
  /** A connection is also cut off if its request would wait beside this many of all connections. */
  readonly mostOfAll: number;
  readonly share: LoopBudget;
  /** Whether a request goes before those of other connections. */
  readonly isUrgent: (request: IncomingMessage) => boolean;
  readonly handle: Handle;
}

/** The requests of a connection: the one being answered, and those that wait for it. */
interface Line {
  answering: ServerResponse;
  readonly waiting: (readonly [IncomingMessage, ServerResponse])[];
}

/**
 * Passes on the requests of a connection one after another, each once the previous response was taken. Node
 * passes on all that arrive together at once: one chunk of short requests would have a thousand long
 * responses built, or as many polls held. Also, nothing may overtake a request that changes something (RFC
 * 9112, 9.3.2). All connections together get only a share of each turn of the event loop (loop-budget.ts).
 */
export class RequestPipeline {
  readonly #connections: Connections;
  readonly #parts: Parts;
  readonly #lines = new Map<Socket, Line>();
  /** How many requests wait on all connections. */
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

  /**
   * Whether a response has begun on the connection and not ended, so that nothing else may be written on it.
   */
  isMidAnswer(socket: Socket): boolean {
    const answering = this.#lines.get(socket)?.answering;
    return answering !== undefined && answering.headersSent && !answering.writableEnded;
  }

  /** Resolves when nothing is under way, or after `limit` milliseconds. */
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
      // Defer to the next turn; otherwise one pipelining client would starve the others.
      if (this.#lines.get(socket)?.waiting.length) setImmediate(() => this.#next(socket));
      else this.#end(socket);
    });
    const { share, isUrgent, handle } = this.#parts;
    share.run(() => {
      // A client that hung up gets no answer, so nothing may be done for it.
      if (!response.destroyed) handle(request, response);
    }, isUrgent(request));
  }

  #next(socket: Socket): void {
    const line = this.#lines.get(socket);
    const next = line?.waiting.shift();
    if (next) this.#waiting--;
    // Do not carry out requests after one that ended the connection: their client would get no answer.
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
