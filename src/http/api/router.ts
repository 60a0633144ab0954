import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { StoreUnavailable } from '../../registry/interfaces.js';
import { callsItselfNacos } from '../user-agent.js';
import { cutShort, send, sendJson, sendProblem, type Problem } from '../reply.js';
import { storeProblem } from '../store-problem.js';
import { quote } from '../nacos/list-request.js';
import { keyFrom } from './clusters.js';
import { clusterParams } from './parameters.js';
import type { AnyAnswer, ApiContext, Route } from './route.js';

const NOTHING = z.strictObject({});
/** For platform probes, which may send any parameters. */
const ANYTHING = z.looseObject({});

/** Builds express routes from the table, with validation, access control, answers and errors. */
export function routerOf(routes: readonly Route[], context: ApiContext): Router {
  const router = Router({ caseSensitive: true, strict: true });
  for (const route of routes) {
    router[route.method](expressPath(route.path), (request, response) =>
      answer(route, context, request, response),
    );
  }
  for (const path of new Set(routes.map((route) => route.path))) {
    const allow = methodsOf(path, routes);
    router.all(expressPath(path), (request, response) =>
      sendProblem(response, {
        status: 405,
        detail: `${request.method} is not offered here, only ${allow}`,
        allow,
      }),
    );
  }
  router.use('/api/v1', (request, response) => {
    const detail = `there is nothing at ${request.originalUrl.split('?', 1)[0]}; GET /api describes what there is`;
    sendProblem(response, { status: 404, detail });
  });
  return router;
}

async function answer(
  route: Route,
  context: ApiContext,
  request: Request,
  response: Response,
): Promise<void> {
  // A complete answer would end the search of a node whose url names an API path, and the node would start
  // alone.
  if (!route.isForAll && callsItselfNacos(request)) {
    return cutShort(
      response,
      'this is for operators, not a list; ask for application/json if you are one',
      'astray',
      'astray',
    );
  }
  const params = read(route.params ?? NOTHING, request.params);
  if (params.problem) return sendProblem(response, params.problem);
  const refused = refuse(route, context, request);
  if (refused) return sendProblem(response, refused);
  const query = read(route.query ?? (route.isForAll ? ANYTHING : NOTHING), request.query);
  if (query.problem) return sendProblem(response, query.problem);
  const call = { params: params.value, query: query.value, request, response };
  try {
    reply(route, response, await route.handle(context, call));
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    sendProblem(response, storeProblem(error));
  }
}

function refuse({ access }: Route, context: ApiContext, request: Request): Problem | undefined {
  switch (access) {
    case 'none':
      return undefined;
    case 'any':
    case 'all':
      return context.access.refuseRead(request, access);
    case 'read':
      return context.access.refuseRead(request, namedCluster(request));
    case 'change':
      return context.access.refuseChange(request, namedCluster(request));
  }
}

/** Created once: zod compiles each new schema. */
const NAMES_CLUSTER = clusterParams.loose();

/** The cluster in the path; all routes with such an access have one. */
function namedCluster({ params }: Request): ReturnType<typeof keyFrom> {
  return keyFrom(NAMES_CLUSTER.parse(params));
}

function reply(route: Route, response: Response, answer: AnyAnswer): void {
  if (answer === 'taken') return;
  if ('problem' in answer) return sendProblem(response, answer.problem);
  const { status, body } = answer;
  const { type = 'application/json' } = route.responses[status] ?? {};
  if (type === 'application/json') return sendJson(response, body, status);
  send(response, status, String(body), { 'Content-Type': type });
}

interface Read {
  readonly value: unknown;
  readonly problem?: Problem;
}

/** Parses parameters with a schema. Otherwise a problem whose detail names each wrong parameter. */
function read(schema: z.ZodObject, given: Readonly<Record<string, unknown>>): Read {
  const result = schema.safeParse(given);
  if (result.success) return { value: result.data };
  const detail = result.error.issues
    .map((issue) => {
      if (issue.code === 'unrecognized_keys')
        return `the parameter ${issue.keys.map(plain).join(', ')} is unknown`;
      const name = issue.path.join('.');
      const value = given[name];
      if (Array.isArray(value)) return `${name} is given twice; give it once`;
      return `${name}=${quote(String(value))} ${issue.message}`;
    })
    .join('; ');
  return { value: undefined, problem: { status: 400, detail } };
}

/** Makes a caller's text safe for a sentence. */
function plain(name: string): string {
  return /^[\w.-]{1,40}$/.test(name) ? name : quote(name);
}

function expressPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

function methodsOf(path: string, routes: readonly Route[]): string {
  return routes
    .filter((route) => route.path === path)
    .flatMap(({ method }) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]))
    .join(', ');
}
