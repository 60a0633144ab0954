import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { parseDuration } from '../../duration.js';
import { isKnown, keyOf, type ClusterKey } from '../../registry/cluster.js';
import { StoreUnavailable } from '../../registry/ports.js';
import { describe, summarize } from '../../registry/view.js';
import type { ClusterEntry } from '../../runtime/entry.js';
import type { RegistryService } from '../../runtime/service.js';
import type { Patience } from '../patience.js';
import { sendJson, sendProblem } from '../reply.js';
import { MAX_WAIT, parseName } from '../target.js';

/** Rows of a page when none is asked for, and at most. */
const PAGE = 100;
const MAX_PAGE = 1_000;

const count = z
  .string()
  .regex(/^\d{1,15}$/, 'is no whole number')
  .transform(Number);

const limit = count
  .refine((value) => value >= 1 && value <= MAX_PAGE, `is outside 1 to ${MAX_PAGE}`)
  .default(PAGE);

const wait = z
  .string()
  .transform((text) => parseDuration(text) ?? Infinity)
  .refine((value) => value <= MAX_WAIT, `is no time up to ${MAX_WAIT / 1_000}s, such as 30s`)
  .default(0);

const clustersQuery = z.strictObject({ after: z.string().optional(), limit });
const clusterQuery = z.strictObject({ revision: count.optional(), wait });
const eventsQuery = z.strictObject({ before: count.optional(), after: count.optional(), limit });

/** The operators' side: JSON under /api/v1, errors as problem details. */
export function api(service: RegistryService, patience: Patience): Router {
  const router = Router();

  router.get('/clusters', (request, response) => {
    const query = read(clustersQuery, request, response);
    if (!query) return;
    const all = [...service.entries]
      .filter(({ cluster }) => isKnown(cluster))
      .sort((a, b) => compare(keyOf(a.cluster), keyOf(b.cluster)));
    const { after = '' } = query;
    const rest = all.filter(({ cluster }) => keyOf(cluster) > after);
    const page = rest.slice(0, query.limit);
    const last = page.at(-1);
    const more = last !== undefined && last !== rest.at(-1);
    sendJson(response, {
      clusters: page.map((entry) => ({ ...summarize(entry.cluster, service.moment), ...agreement(entry) })),
      ...(more ? { next: keyOf(last.cluster) } : {}),
    });
  });

  router.get('/clusters/:product/:cluster', async (request, response) => {
    const query = read(clusterQuery, request, response);
    const entry = query && find(service, request, response);
    if (!entry) return;
    const { revision } = query;
    if (revision !== undefined) {
      await entry.until((cluster) => cluster.revision !== revision, query.wait, patience.of(response));
    }
    sendJson(response, { ...describe(entry.cluster, service.moment), ...agreement(entry) });
  });

  router.get('/clusters/:product/:cluster/events', async (request, response) => {
    const query = read(eventsQuery, request, response);
    const key = query && keyFrom(request, response);
    if (key) await sendEvents(response, key, query);
  });

  router.get('/events', async (request, response) => {
    const query = read(eventsQuery, request, response);
    if (query) await sendEvents(response, undefined, query);
  });

  router.post('/clusters/:product/:cluster/recover', async (request, response) => {
    const entry = find(service, request, response);
    if (!entry) return;
    try {
      const { reply } = await service.command(entry.cluster, { type: 'recover' });
      if (reply.type === 'refused') return sendProblem(response, { status: 409, detail: reply.reason });
      sendJson(response, { ...describe(entry.cluster, service.moment), ...agreement(entry) });
    } catch (error) {
      unavailable(response, error);
    }
  });

  router.use((request: Request, response: Response) => {
    const allowed = router.stack.flatMap(({ route }) =>
      route?.path && matches(route.path, request.path) ? [route] : [],
    );
    if (allowed.length === 0) {
      return sendProblem(response, {
        status: 404,
        detail: `there is nothing at ${request.originalUrl.split('?', 1)[0]}`,
      });
    }
    const allow = allowed.some(({ path }) => path.endsWith('/recover')) ? 'POST' : 'GET, HEAD';
    sendProblem(response, {
      status: 405,
      detail: `${request.method} is not offered here, only ${allow}`,
      allow,
    });
  });

  async function sendEvents(
    response: Response,
    cluster: ClusterKey | undefined,
    query: z.infer<typeof eventsQuery>,
  ): Promise<void> {
    try {
      const events = await service.events({ cluster, ...query });
      const next = events.length === query.limit ? { next: events.at(-1)?.seq } : {};
      const views = events.map(({ time, name, ...event }) => ({
        ...event,
        cluster: name,
        time: new Date(time).toISOString(),
      }));
      sendJson(response, { events: views, ...next });
    } catch (error) {
      unavailable(response, error);
    }
  }

  return router;
}

/** What members are sent meanwhile, when not every server has the newest list yet (see registry/replicas.ts). */
function agreement({ isPending, servedRevision }: ClusterEntry): { servedRevision?: number } {
  return isPending && servedRevision !== undefined ? { servedRevision } : {};
}

/** The query as the schema reads it; otherwise a problem was sent. */
function read<S extends z.ZodType>(schema: S, request: Request, response: Response): z.infer<S> | undefined {
  const result = schema.safeParse(request.query);
  if (result.success) return result.data;
  const detail = result.error.issues
    .map((issue) => {
      if (issue.code === 'unrecognized_keys') return `the parameter ${issue.keys.join(', ')} is unknown`;
      const name = issue.path.join('.');
      const value: unknown = request.query[name];
      return Array.isArray(value)
        ? `${name} is given twice; give it once`
        : `${name}=${JSON.stringify(value)} ${issue.message}`;
    })
    .join('; ');
  sendProblem(response, { status: 400, detail });
  return undefined;
}

function keyFrom(request: Request, response: Response): ClusterKey | undefined {
  const product = parseName('product', String(request.params.product));
  const name = parseName('cluster', String(request.params.cluster));
  if (product.ok && name.ok) return { product: product.value, name: name.value };
  const problem = product.ok ? (name.ok ? '' : name.problem) : product.problem;
  sendProblem(response, { status: 400, detail: problem });
  return undefined;
}

function find(service: RegistryService, request: Request, response: Response): ClusterEntry | undefined {
  const key = keyFrom(request, response);
  if (!key) return undefined;
  const entry = service.find(keyOf(key));
  if (entry && isKnown(entry.cluster)) return entry;
  sendProblem(response, {
    status: 404,
    detail: `the cluster ${keyOf(key)} is unknown: nobody was ever listed or waits`,
  });
  return undefined;
}

function unavailable(response: Response, error: unknown): void {
  if (!(error instanceof StoreUnavailable)) throw error;
  sendProblem(response, {
    status: 503,
    detail: `the store is unavailable (${error.message})`,
    retryAfter: 2,
  });
}

function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const given = path.split('/');
  return (
    wanted.length === given.length && wanted.every((part, i) => part.startsWith(':') || part === given[i])
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
