import type { RecordedEvent } from '../../registry/events.js';
import type { EventQuery } from '../../registry/ports.js';
import type { RegistryService } from '../../runtime/service.js';
import { keyFrom } from './clusters.js';
import { clusterParams, eventsQuery } from './parameters.js';
import { route } from './route.js';
import { eventPage, type EventPage, type EventView } from './schemas.js';

const SERVERLIST = { product: 'nacos', cluster: 'serverlist' };

const DESCRIPTION =
  'Newest first in pages, each asked for with the `next` of the one before as `before`; with `after` oldest first, as ' +
  'one follows a log. The history is bounded: 1,000 events a cluster, and the newest 100,000 in all.';

export const eventRoutes = [
  route({
    method: 'get',
    path: '/api/v1/clusters/{product}/{cluster}/events',
    name: 'listClusterEvents',
    tag: 'Events',
    summary: 'The history of one cluster',
    description: DESCRIPTION,
    access: 'read',
    params: clusterParams,
    query: eventsQuery,
    responses: { 200: { description: 'A page; empty for a cluster without history.', schema: eventPage } },
    examples: [
      {
        name: 'newest',
        summary: 'The newest 20',
        params: SERVERLIST,
        query: { limit: '20' },
        status: 200,
      },
    ],
    async handle({ service }, { params, query }) {
      const cluster = keyFrom(params);
      return { status: 200, body: await page(service, { cluster, ...query }) };
    },
  }),

  route({
    method: 'get',
    path: '/api/v1/events',
    name: 'listEvents',
    tag: 'Events',
    summary: 'The history of all clusters',
    description: DESCRIPTION,
    access: 'any',
    query: eventsQuery,
    responses: { 200: { description: 'A page.', schema: eventPage } },
    examples: [
      { name: 'newest', summary: 'The newest 100', status: 200 },
      { name: 'older', summary: 'Those before', query: { before: '42', limit: '20' }, status: 200 },
      { name: 'follow', summary: 'Those after a number', query: { after: '0' }, status: 200 },
    ],
    async handle({ service }, { query }) {
      return { status: 200, body: await page(service, query) };
    },
  }),
];

/** One event more than the page holds says whether there is another page. */
async function page(service: RegistryService, query: EventQuery): Promise<EventPage> {
  const found = await service.events({ ...query, limit: query.limit + 1 });
  const events = found.slice(0, query.limit);
  const last = events.at(-1);
  const more = found.length > events.length && last !== undefined;
  return { events: events.map(eventView), ...(more ? { next: last.seq } : {}) };
}

/** An event as it is shown. */
export function eventView({ seq, time, product, name, ...event }: RecordedEvent): EventView {
  return { seq, time: new Date(time).toISOString(), product, cluster: name, ...event };
}
