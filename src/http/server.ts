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
import type { Examiner } from '../doctor/examiner.js';
import type { RegistryService } from '../runtime/registry-service.js';
import { Feed } from '../runtime/feed.js';
import type { AccessControl } from './access/access-control.js';
import type { ApiContext } from './api/route.js';
import { routerOf } from './api/router.js';
import { ROUTES } from './api/routes.js';
import { Connections } from './transport/connections.js';
import { guardBrowsers } from './cross-site.js';
import { RequestLog } from './request-log.js';
import { LoopBudget } from '../util/loop-budget.js';
import { FastPath } from './transport/fast-path.js';
import { refuseManyHeaders } from './transport/header-fields.js';
import { RequestPipeline } from './transport/request-pipeline.js';
import { DEFAULT_LIMITS, type Limits } from './transport/limits.js';
import { KEEP_ALIVE } from './nacos/list-response.js';
import {
  METRICS_PATH,
  metricsRoute,
  refuseMetricsMethod,
  type Metrics,
  type Readable,
} from './metrics-route.js';
import { ListReader } from './nacos/list-reader.js';
import { NacosRoutes } from './nacos/routes.js';
import { officialApi, OFFICIAL_PATH } from './nacos/official-api.js';
import { operatorsPage } from './ui-assets.js';
import { HeldRequests } from './transport/held-requests.js';
import { endWith, refuse, sendProblem } from './reply.js';
import { pathAndQuery } from './transport/request-target.js';
import { RefusedTrace } from './refused-trace.js';
import { Straight } from './nacos/past-express.js';
import { LogThrottle } from './transport/log-throttle.js';
import { securityHeaders } from './security-headers.js';
import { NO_TRAFFIC } from './http-observer.js';
import { quote } from './nacos/list-request.js';
import { unterminated, unterminatedForJava } from './transport/unterminated.js';
import { Urgency } from './transport/urgency.js';

/** How often unread responses are checked. */
const POLL_INTERVAL_MS = 1_000;

/**
 * How many new connections the system queues (Linux: at most net.core.somaxconn, 4,096). Node accepts one in
 * each turn of its loop, and after a restart all members come at once; a client that finds the queue full
 * tries again after 1 s.
 */
const BACKLOG = 4_096;

export interface ServerOptions {
  readonly service: RegistryService;
  readonly log: Logger;
  readonly host?: string | undefined;
  /** 0 picks a free one. */
  readonly port: number;
  readonly access: AccessControl;
  readonly examiner: Examiner;
  readonly limits?: Partial<Limits>;
  /** Without it, nothing is counted and there is no `/metrics`. */
  readonly metrics?: Metrics;
}

/** The HTTP side: the hot path in front, express behind it. */
export class AddressServer {
  readonly #options: ServerOptions;
  readonly #heldRequests = new HeldRequests();
  readonly #connections: Connections;
  readonly #http: HttpServer;
  readonly #door: FastPath;
  /** Publishes to stream readers. */
  readonly feed: Feed;
  readonly #drain: number;
  readonly #pipeline: RequestPipeline;
  readonly #logThrottle: LogThrottle;
  #looking: NodeJS.Timeout | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    const { service, access, examiner, log } = options;
    const traffic = options.metrics?.traffic ?? NO_TRAFFIC;
    const heldRequests = this.#heldRequests;
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#drain = limits.drain;
    this.feed = new Feed(service, log);
    this.#logThrottle = new LogThrottle(log);
    const connections = new Connections(service, access, limits, this.#logThrottle, traffic);
    this.#connections = connections;
    const trace = new RefusedTrace(service, access.clients, log);
    const reader = new ListReader(service, access, this.#logThrottle, trace);
    const routes = new NacosRoutes({ service, access, reader, connections, heldRequests });
    const context = { service, examiner, access, feed: this.feed, connections, heldRequests };
    const share = new LoopBudget();
    const failed = answerToFailed(log, limits);
    const app = buildApp(options, limits, routes, context, share, failed);
    const straight = new Straight({ routes, access, headerFields: limits.headerFields, failed });
    const { isUrgent } = new Urgency(service, access, connections);
    this.#pipeline = new RequestPipeline(connections, {
      most: limits.pipelined,
      mostOfAll: limits.pipelinedByAll,
      share,
      isUrgent,
      handle: (request, response) => {
        RequestLog.start(request, response, traffic, trace.refused);
        const url = pathAndQuery(request.url ?? '');
        if (url === undefined) return refuseTarget(request, response);
        request.url = url;
        if (!straight.answers(request, response)) app(request, response);
      },
    });
    this.#http = createServer(
      {
        maxHeaderSize: limits.headerSize,
        headersTimeout: limits.arrival,
        requestTimeout: limits.arrival,
        keepAliveTimeout: KEEP_ALIVE * 1_000,
        connectionsCheckingInterval: 1_000,
        // A Nacos always sends a Host; a request without one must not get node's own complete 400.
        requireHostHeader: false,
      },
      this.#pipeline.serve,
    );
    // Node would ignore those beyond a limit; here such requests are refused (header-fields.ts).
    this.#http.maxHeadersCount = 0;
    this.#http.timeout = limits.stall;
    this.#http.on('timeout', (socket: Socket) => connections.cutStill(socket));
    // Ignore the expectation: node would send a complete 417.
    this.#http.on('checkExpectation', this.#pipeline.serve);
    this.#http.on('clientError', (error: Malformed, socket: Socket) => {
      if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return connections.cut(socket, 'slow');
      // In the middle of a response, any text would be taken for a part of it.
      if (!socket.writable || error.code === GONE || this.#pipeline.isMidAnswer(socket)) {
        return void socket.destroy();
      }
      traffic.cut('malformed');
      endWith(socket, answerToMalformed(error, limits));
    });
    // This server never listens itself, and without the event node does not time out half-sent requests.
    this.#http.emit('listening');
    this.#door = new FastPath(this.#http, reader, connections, limits, traffic);
    this.#door.server.on('connection', () => share.arrived());
  }

  /** Listens; resolves with the port. Rejects with the system's error. */
  async listen(): Promise<number> {
    const { host, port } = this.#options;
    this.#door.server.listen({ port, backlog: BACKLOG, ...(host === undefined ? {} : { host }) });
    await once(this.#door.server, 'listening');
    // Failing to accept one connection is no reason to end all others.
    this.#door.server.on('error', (err) =>
      this.#logThrottle.warn({ err }, 'a new connection could not be accepted'),
    );
    this.#looking = setInterval(() => this.#connections.cutSlowReaders(), POLL_INTERVAL_MS);
    return (this.#door.server.address() as AddressInfo).port;
  }

  /** The number of open connections, and the bytes of responses that wait to be read. */
  get load(): { connections: number; unread: number } {
    return { connections: this.#connections.count().open, unread: this.#connections.unread };
  }

  /**
   * Refuses new connections, ends held polls with the unterminated response and idle connections at once, and
   * gives responses under way a moment.
   */
  async close(): Promise<void> {
    const closed = once(this.#door.server, 'close');
    this.#http.close();
    this.#door.server.close();
    this.#heldRequests.stop();
    this.#connections.stopWatching();
    clearInterval(this.#looking);
    await this.#pipeline.drained(this.#drain);
    for (const socket of this.#connections.sockets) socket.destroySoon();
    const stubborn = setTimeout(() => {
      for (const socket of this.#connections.sockets) socket.destroy();
    }, 300);
    await closed;
    clearTimeout(stubborn);
  }
}

function buildApp(
  { service, access, metrics }: ServerOptions,
  limits: Limits,
  routes: NacosRoutes,
  context: ApiContext & Readable,
  share: LoopBudget,
  failed: ReturnType<typeof answerToFailed>,
): express.Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.enable('strict routing');
  app.use(securityHeaders, refuseManyHeaders(limits.headerFields), guardBrowsers(access));
  if (metrics) {
    app.get(METRICS_PATH, metricsRoute(metrics, access, context, share));
    app.all(METRICS_PATH, refuseMetricsMethod);
  }
  app.use(operatorsPage(access));
  // Only the official API's form uses a body; others are still read to the end, within the limit.
  app.use(express.urlencoded({ extended: false, limit: limits.bodySize }));
  app.use(express.raw({ type: () => true, limit: limits.bodySize }));
  // A body may end at any time; its request then waits for its share of the loop like any other.
  app.use((request: Request, response: Response, next: NextFunction) => {
    if (request.body === undefined) return next();
    share.run(() => {
      if (!response.destroyed) next();
    });
  });
  app.all(OFFICIAL_PATH, officialApi(service, access));
  app.use(routerOf(ROUTES, context));
  app.use(routes.handle);
  app.use((request: Request, response: Response) => {
    const path = request.path.slice(0, 200);
    refuse(request, response, {
      status: 404,
      code: 'path',
      detail: `there is nothing at ${JSON.stringify(path)}; a list is at /{product}/{cluster}, usually /nacos/serverlist`,
    });
  });
  app.use((error: unknown, request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) return next(error);
    failed(error, request, response);
  });
  return app;
}

/** Answers a request whose handler threw. Logs only errors of this program. */
function answerToFailed(log: Logger, limits: Limits) {
  return (error: unknown, request: IncomingMessage, response: ServerResponse): void => {
    const { status, detail } = describeError(error, limits);
    if (status >= 500) log.error({ err: error, method: request.method }, 'a request failed');
    if (response.headersSent) return void response.destroy();
    if (request.url?.startsWith('/api/v1/')) return sendProblem(response, { status, detail });
    refuse(request, response, { status, detail });
  };
}

/** Errors of express and its body parsers carry a status (http-errors); any other error is a bug here. */
function describeError(error: unknown, limits: Limits): { status: number; detail: string } {
  const status = (error as { status?: unknown }).status;
  if ((error as { type?: unknown }).type === 'entity.too.large') {
    return { status: 413, detail: `the body is larger than ${limits.bodySize} bytes` };
  }
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return { status, detail: `the request cannot be read: ${(error as Error).message}` };
  }
  return { status: 500, detail: 'an internal error; see the server’s log' };
}

function refuseTarget(request: IncomingMessage, response: ServerResponse): void {
  // Without its query, which may hold a token.
  const target = quote((request.url ?? '').split('?', 1)[0] ?? '');
  refuse(request, response, {
    status: 400,
    code: 'path',
    detail: `the target ${target} is not a path of this server; a list is at /{product}/{cluster}, usually /nacos/serverlist`,
  });
}

/** Node's error code for a connection that its client has left. */
const GONE = 'ECONNRESET';

/** Node's error for bytes that it cannot parse. */
interface Malformed extends NodeJS.ErrnoException {
  /** The bytes that it was reading; for a request as short as a poll, all of it. */
  readonly rawPacket?: Buffer;
}

/**
 * Answers a request that node's parser refuses. Its sender is hardly known, so the response is not completed.
 * A Nacos's request is malformed if its address_server_url contains a space.
 */
function answerToMalformed({ code, rawPacket }: Malformed, { headerSize }: Limits): Buffer {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return unterminated(`the headers are larger than ${headerSize} bytes`, 431);
  }
  const detail = `the request is not HTTP that this server understands (${STATUS_CODES[400]})`;
  const isJava = /\r\nuser-agent: *java\//i.test(rawPacket?.toString('latin1') ?? '');
  return isJava ? unterminatedForJava(`${detail}; is there a space in its URL?`) : unterminated(detail, 400);
}
