import express, { type NextFunction, type Request, type Response } from 'express';
import { once } from 'node:events';
import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Logger } from 'pino';
import type { RegistryService } from '../runtime/service.js';
import type { AccessControl } from './access/access-control.js';
import { api } from './api/router.js';
import { Connections } from './connections.js';
import { Exchange } from './exchange.js';
import { FrontDoor } from './front-door.js';
import { healthz, readyz } from './health.js';
import { KEEP_ALIVE } from './list-answer.js';
import { METRICS_PATH, metricsRoute, refuseMetricsMethod, type Metrics, type Readable } from './metrics.js';
import { ListReader } from './nacos-get.js';
import { NacosRoutes } from './nacos-routes.js';
import { officialApi, OFFICIAL_PATH } from './official-api.js';
import { Patience } from './patience.js';
import { refuse, refuseMethod, sendProblem } from './reply.js';
import { NO_TRAFFIC, type TrafficObserver } from './traffic.js';
import { unterminated } from './unterminated.js';

/** Largest header block and body, in bytes. */
const MAX_HEADERS = 16 << 10;
const MAX_BODY = 64 << 10;

/** How long a request may take to arrive, in milliseconds. */
const ARRIVAL = 10_000;

/** How long answers under way may take after a stop, in milliseconds. */
const DRAIN = 1_500;

export interface ServerOptions {
  readonly service: RegistryService;
  readonly log: Logger;
  readonly host?: string | undefined;
  /** 0 picks a free one. */
  readonly port: number;
  readonly access: AccessControl;
  /** Without, nothing is counted and there is no `/metrics`. */
  readonly metrics?: Metrics;
}

/** The HTTP side: the hot path in front, express behind it. */
export class AddressServer {
  readonly #options: ServerOptions;
  readonly #patience = new Patience();
  readonly #connections: Connections;
  readonly #http: HttpServer;
  readonly #door: FrontDoor;
  #underWay = 0;
  #idle: (() => void) | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    const { service, access } = options;
    const traffic = options.metrics?.traffic ?? NO_TRAFFIC;
    const patience = this.#patience;
    const connections = (this.#connections = new Connections(service, access.clients));
    const reader = new ListReader(service, access);
    const routes = new NacosRoutes({ service, access, reader, connections, patience });
    const app = buildApp(options, routes, { service, connections, patience });
    const serve = (request: IncomingMessage, response: ServerResponse): void => {
      Exchange.start(request, response, traffic);
      this.#underWay++;
      response.once('close', () => {
        if (--this.#underWay === 0) this.#idle?.();
      });
      app(request, response);
    };
    this.#http = createServer(
      {
        maxHeaderSize: MAX_HEADERS,
        headersTimeout: ARRIVAL,
        requestTimeout: ARRIVAL,
        keepAliveTimeout: KEEP_ALIVE * 1_000,
        connectionsCheckingInterval: 1_000,
        // A Nacos always sends one; whoever does not must not get node's own complete 400.
        requireHostHeader: false,
      },
      serve,
    );
    // Passed over: node would answer a complete 417.
    this.#http.on('checkExpectation', serve);
    this.#http.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) =>
      answerMalformed(error, socket, traffic),
    );
    // It never listens itself, and without this event node starts no clock for requests sent by halves.
    this.#http.emit('listening');
    this.#door = new FrontDoor(this.#http, reader, connections, traffic);
  }

  /** Listens; resolves with the port. Rejects with the system's error. */
  async listen(): Promise<number> {
    const { host, port } = this.#options;
    this.#door.server.listen({ port, ...(host === undefined ? {} : { host }) });
    await once(this.#door.server, 'listening');
    return (this.#door.server.address() as AddressInfo).port;
  }

  /**
   * Refuses new connections, ends held polls with the unterminated answer and idle connections at once, and
   * gives answers under way a moment.
   */
  async close(): Promise<void> {
    const closed = once(this.#door.server, 'close');
    this.#http.close();
    this.#door.server.close();
    this.#patience.stop();
    this.#connections.stopWatching();
    await this.#drained();
    for (const socket of this.#connections.sockets) socket.destroySoon();
    const stubborn = setTimeout(() => {
      for (const socket of this.#connections.sockets) socket.destroy();
    }, 300);
    await closed;
    clearTimeout(stubborn);
  }

  #drained(): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, DRAIN);
      this.#idle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function buildApp(
  { service, access, log, metrics }: ServerOptions,
  routes: NacosRoutes,
  readable: Readable & { readonly patience: Patience },
): express.Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.enable('strict routing');
  app.use(routes.quick);
  app.get('/healthz', healthz);
  app.get('/readyz', readyz(service));
  app.all(['/healthz', '/readyz'], (request, response) => refuseMethod(request, response, 'GET, HEAD'));
  if (metrics) {
    app.get(METRICS_PATH, metricsRoute(metrics, access, readable));
    app.all(METRICS_PATH, refuseMetricsMethod);
  }
  // A body says nothing here but in the official API's form; it is read to its end and bounded all the same.
  app.use(express.urlencoded({ extended: false, limit: MAX_BODY }));
  app.use(express.raw({ type: () => true, limit: MAX_BODY }));
  app.all(OFFICIAL_PATH, officialApi(service, access));
  app.use('/api/v1', api(service, readable.patience));
  app.use(routes.handle);
  app.use((request: Request, response: Response) => {
    const path = request.path.slice(0, 200);
    refuse(request, response, {
      status: 404,
      detail: `there is nothing at ${JSON.stringify(path)}; a list is at /{product}/{cluster}, usually /nacos/serverlist`,
    });
  });
  app.use((error: unknown, request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) return next(error);
    const { status, detail } = describeError(error);
    if (status >= 500) log.error({ err: error, method: request.method }, 'a request failed');
    if (request.path.startsWith('/api/v1/')) return sendProblem(response, { status, detail });
    refuse(request, response, { status, detail });
  });
  return app;
}

/** What express and its body parsers throw carries a status (http-errors); everything else is ours to mend. */
function describeError(error: unknown): { status: number; detail: string } {
  const status = (error as { status?: unknown }).status;
  if ((error as { type?: unknown }).type === 'entity.too.large') {
    return { status: 413, detail: `the body is larger than ${MAX_BODY} bytes` };
  }
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return { status, detail: `the request cannot be read: ${(error as Error).message}` };
  }
  return { status: 500, detail: 'an internal error; see the server’s log' };
}

/** What node's parser refuses. Who sent it is unknown, so the answer is not completed. */
function answerMalformed(error: NodeJS.ErrnoException, socket: Socket, traffic: TrafficObserver): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return void socket.destroy();
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const status = tooLarge ? 431 : 400;
  const detail = tooLarge
    ? `the headers are larger than ${MAX_HEADERS} bytes`
    : `the request is no HTTP that this server understands (${STATUS_CODES[400]})`;
  traffic.cut('malformed');
  socket.end(unterminated(detail, status));
}
