import type { EventPage, EventView } from '../http/api/schemas.js';
import type { Client } from './client.js';
import { clusterPath, nameOf } from './cluster-name.js';
import { ConnectionNotices } from './connection-notices.js';
import { readStream } from './stream.js';

/** How many recent events to read at least, to find where the stream must begin. */
const RECENT = 100;

/**
 * `events --follow`: prints the newest events, up to `limit`, and then each new one once, oldest first.
 * Rejects with ClientError.
 */
export async function follow(
  client: Client,
  cluster: string | undefined,
  limit: number,
  show: (events: readonly EventView[]) => Promise<void>,
): Promise<never> {
  const { events: recent } = await client.getJson<EventPage>(
    `/api/v1/events?limit=${Math.max(RECENT, limit)}`,
  );
  const own =
    cluster === undefined || limit === 0
      ? recent
      : (await client.getJson<EventPage>(`${clusterPath(cluster)}/events?limit=${limit}`)).events;
  await show(own.slice(0, limit).reverse());

  // Several servers share one numbering, and a smaller number may arrive a little after a larger one. So the
  // stream begins before the printed events, and known ones are skipped.
  const known = new Set([...recent, ...own].map(({ seq }) => seq));
  const after = String(recent.at(-1)?.seq ?? 0);
  const news = new ConnectionNotices();
  const stream = readStream(client, new URLSearchParams({ after }));
  for (;;) {
    const { value: said } = await stream.next();
    news.tell(said);
    if (said.type !== 'message' || said.event !== 'events') continue;
    const { events } = said.data as { events: EventView[] };
    const wanted = events.filter(
      (event) => !known.has(event.seq) && (cluster === undefined || nameOf(event) === cluster),
    );
    if (wanted.length > 0) await show(wanted);
  }
}
