import type { ClusterKey } from '../../registry/cluster.js';
import type { RecordedEvent } from '../../registry/events.js';
import type { EventQuery } from '../../registry/interfaces.js';
import type { RegistryService } from '../../runtime/registry-service.js';
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
    description: `Of the clusters that the caller may read about. ${DESCRIPTION}`,
    access: 'any',
    query: eventsQuery,
    responses: { 200: { description: 'A page.', schema: eventPage } },
    examples: [
      { name: 'newest', summary: 'The newest 100', status: 200 },
      { name: 'older', summary: 'Those before', query: { before: '42', limit: '20' }, status: 200 },
      { name: 'follow', summary: 'Those after a number', query: { after: '0' }, status: 200 },
    ],
    async handle({ service, access }, { query, request }) {
      return { status: 200, body: await page(service, query, access.readable(request)) };
    },
  }),
];

/**
 * How often at most to query the store for one page, of which the caller may be allowed to read only a part.
 */
const MAX_LOOKS = 20;

/**
 * A page of the events that the caller may read. It may be short without being the last, if those are few.
 */
async function page(
  service: RegistryService,
  query: EventQuery,
  may: (key: ClusterKey) => boolean = () => true,
): Promise<EventPage> {
  const direction = query.after === undefined ? 'before' : 'after';
  const events: EventView[] = [];
  let from = query[direction];
  for (let looks = 1; ; looks++) {
    const wanted = query.limit - events.length;
    // Ask for one more, to see whether there are more.
    const found = await service.events({ ...query, [direction]: from, limit: wanted + 1 });
    const taken = found.slice(0, wanted);
    const last = taken.at(-1);
    events.push(...taken.filter(may).map(eventView));
    if (found.length <= wanted || last === undefined) return { events };
    if (events.length === query.limit || looks === MAX_LOOKS) return { events, next: last.seq };
    from = last.seq;
  }
}

/** The API's view of an event. */
export function eventView({ seq, time, product, name, ...event }: RecordedEvent): EventView {
  return { seq, time: new Date(time).toISOString(), product, cluster: name, ...event };
}
