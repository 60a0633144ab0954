import { z } from 'zod';
import { keyOf, type ClusterKey } from '../../registry/cluster.js';
import type { RecordedEvent } from '../../registry/events.js';
import { parseCursor, type EventCursor } from '../../runtime/event-cursor.js';
import type { ToldSummary } from '../../runtime/summaries.js';
import { EventStream, messageOf } from './event-stream.js';
import { eventView } from './events.js';
import { streamQuery } from './parameters.js';
import { problem, route, type ApiContext, type Call } from './route.js';
import { serverViewOf } from './server-routes.js';

/** How many streams may be open at once. */
const MOST_STREAMS = 1_000;

export const streamRoute = route({
  method: 'get',
  path: '/api/v1/stream',
  name: 'stream',
  tag: 'Events',
  summary: 'Everything as it changes (server-sent events)',
  description:
    'One stream serves a whole page. The messages are JSON:\n' +
    '- `snapshot`, first: all clusters and the server (StreamSnapshot);\n' +
    '- `clusters`: those that changed, and the names of those that are gone, at most 4 times a second (StreamClusters);\n' +
    '- `server`: the server when its status changed, or every 5 s while a grace runs (Server);\n' +
    '- `cluster`, only with `cluster=`: that cluster at once, at every change, and every second (5 s with more than ' +
    '200 members); `null` when it is unknown (Cluster);\n' +
    '- `events`: what happened, oldest first, of all clusters that the caller may read about (StreamEvents). Its `id` ' +
    'goes into `Last-Event-ID`, or `after`, of the next connection, to any server of the same database, and nothing is ' +
    'missed or sent twice. Several servers number their events in one row, so a smaller number may come a little ' +
    'later; the `id` then says so and is more than a number.\n\n' +
    'A comment comes every 15 s. A reader so slow that more than 4 MB are unsent is cut off.',
  access: 'any',
  query: streamQuery,
  responses: {
    200: { description: 'The stream, without end.', type: 'text/event-stream', schema: z.string() },
  },
  examples: [
    { name: 'all', summary: 'All clusters', status: 200 },
    { name: 'one', summary: 'And one of them whole', query: { cluster: 'nacos/serverlist' }, status: 200 },
    { name: 'resume', summary: 'All events after a number', query: { after: '0' }, status: 200 },
  ],
  handle(context, call) {
    const { cluster, after } = call.query;
    const refused = cluster && context.access.refuseRead(call.request, cluster);
    if (refused) return { problem: refused };
    const last = lastEventId(call);
    if (typeof last === 'string') return problem(400, last);
    if (context.feed.listeners >= MOST_STREAMS) {
      return {
        problem: {
          status: 429,
          detail: `${MOST_STREAMS} streams are read already, the most; ask again later`,
          retryAfter: 5,
        },
      };
    }
    stream(context, call, cluster, last ?? after);
    return 'taken';
  },
});

/** Reads the Last-Event-ID header; a sentence if it is invalid. */
function lastEventId({ request }: Call<unknown, unknown>): EventCursor | string | undefined {
  const header = request.get('Last-Event-ID');
  if (header === undefined || header === '') return undefined;
  const read = parseCursor(header);
  return read.ok ? read.value : `Last-Event-ID=${JSON.stringify(header.slice(0, 100))} ${read.problem}`;
}

function stream(
  { feed, access, heldRequests }: ApiContext,
  { request, response }: Call<unknown, unknown>,
  cluster: ClusterKey | undefined,
  after: EventCursor | undefined,
): void {
  const may = access.readable(request);
  const out = new EventStream(response);
  if (request.method === 'HEAD') return out.end();
  const listed = (told: readonly ToldSummary[]): string => {
    const known = told.filter(({ key }) => may(key));
    // Most callers may read everything and share the same text.
    return known.length === told.length ? sharedText(told) : textOf(known);
  };
  const end = (): void => {
    stop();
    out.end();
  };
  /** Whether the caller is still permitted. If not, it must reconnect, and then gets the refusal. */
  const mayGoOn = (): boolean => {
    if (access.stillReads(request) && (cluster === undefined || may(cluster))) return true;
    end();
    return false;
  };
  const stop = feed.listen({
    cluster,
    after,
    snapshot(clusters, health) {
      const server = JSON.stringify(serverViewOf(health, access));
      out.sendShared(sharedMessage('snapshot', `{"clusters":${listed(clusters)},"server":${server}}`), true);
    },
    summaries({ changed, gone }) {
      if (!mayGoOn()) return;
      const names = gone.filter(may).map(keyOf);
      if (names.length === 0 && !changed.some(({ key }) => may(key))) return;
      out.send('clusters', `{"changed":${listed(changed)},"gone":${JSON.stringify(names)}}`);
    },
    health(health) {
      if (!mayGoOn()) return;
      out.send('server', JSON.stringify(serverViewOf(health, access)));
    },
    view(json) {
      if (!mayGoOn()) return;
      out.sendShared(sharedMessage('cluster', json));
    },
    events(events, cursor) {
      if (!mayGoOn()) return Promise.resolve();
      const known = events.filter(may);
      if (known.length === 0) return Promise.resolve();
      const ready = out.send('events', `{"events":[${known.map(eventJson).join(',')}]}`, cursor.toString());
      return ready ? Promise.resolve() : out.drained();
    },
  });
  response.once('close', stop);
  const signal = heldRequests.of(response);
  if (signal.aborted || response.destroyed) end();
  else signal.addEventListener('abort', end, { once: true });
}

function textOf(told: readonly ToldSummary[]): string {
  return `[${told.map(({ json }) => json).join(',')}]`;
}

const lastMessages = new Map<string, { readonly json: string; readonly message: Buffer }>();

/** The most recent message, if it is the same: listeners are notified one after the other. */
function sharedMessage(event: string, json: string): Buffer {
  let last = lastMessages.get(event);
  if (last?.json !== json) lastMessages.set(event, (last = { json, message: messageOf(event, json) }));
  return last.message;
}

const shared = new WeakMap<readonly ToldSummary[], string>();

function sharedText(told: readonly ToldSummary[]): string {
  let text = shared.get(told);
  if (text === undefined) shared.set(told, (text = textOf(told)));
  return text;
}

const texts = new WeakMap<RecordedEvent, string>();

/** Encoded once for all listeners. */
function eventJson(event: RecordedEvent): string {
  let text = texts.get(event);
  if (text === undefined) texts.set(event, (text = JSON.stringify(eventView(event))));
  return text;
}
