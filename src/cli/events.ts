import { Option, type Command } from 'commander';
import type { EventPage, EventView } from '../http/api/schemas.js';
import { ClientError } from './client-error.js';
import type { Client } from './client.js';
import { clusterPath } from './cluster-name.js';
import { aboutClusters, clientCommand, clientOf, complain, run } from './command.js';
import { EventTable } from './events-view.js';
import { follow } from './follow.js';
import { lineWidth, print } from './output.js';
import { allRefused, describeRefused, refusedOf } from './refused.js';
import { endBySignals } from './signals.js';

interface Options {
  readonly json?: true;
  readonly follow?: true;
  readonly refused?: true;
  readonly limit: string;
}

const MAX_LIMIT = 1_000;

/** The command `events`: prints a running server's history, oldest first, like a log. */
export function eventsCommand(): Command {
  return aboutClusters(clientCommand('events', 'print the history of a running server'))
    .addOption(
      new Option('--limit <number>', 'how many of the newest, 1 to 1000; 0 only with --follow').default('50'),
    )
    .option(
      '--follow',
      'keep running and print each new one as it comes, with --json as a line; none is missed or printed twice when the connection is lost',
    )
    .option(
      '--refused',
      'print refused callers in place of the history: those of the cluster, or of all clusters and those that named no known one; only what the asked server itself saw, of the last day',
    )
    .action((cluster: string | undefined, options: Options, command: Command) =>
      run(async () => {
        const limit = parseLimit(options);
        const client = clientOf(command);
        if (options.refused) return printRefused(client, cluster, limit, options);
        const path = cluster === undefined ? '/api/v1/events' : `${clusterPath(cluster)}/events`;
        const table = new EventTable(lineWidth());
        if (options.follow) {
          endBySignals();
          return follow(client, cluster, limit, (events) => {
            if (events.length === 0 && limit > 0) complain('no events yet');
            return print(...lines(events, options, table));
          });
        }
        const { events } = await client.getJson<EventPage>(`${path}?limit=${limit}`);
        events.reverse();
        if (options.json) return print(JSON.stringify(events, undefined, 2));
        await print(...(events.length === 0 ? ['no events'] : table.lines(events)));
      }),
    );
}

async function printRefused(
  client: Client,
  cluster: string | undefined,
  limit: number,
  { follow, json }: Options,
): Promise<void> {
  if (follow) throw new ClientError('--refused shows the callers refused until now; leave out --follow');
  const all = cluster === undefined ? await allRefused(client) : await refusedOf(client, cluster);
  // Put the newest last, as in a log.
  const shown = all.slice(0, limit).reverse();
  if (json) return print(JSON.stringify(shown, undefined, 2));
  await print(...(shown.length === 0 ? ['no caller was refused'] : describeRefused('', shown, lineWidth())));
}

function lines(events: readonly EventView[], { json }: Options, table: EventTable): string[] {
  return json ? events.map((event) => JSON.stringify(event)) : table.lines(events);
}

function parseLimit({ limit, follow }: Options): number {
  const least = follow ? 0 : 1;
  const number = /^\d{1,4}$/.test(limit) ? Number(limit) : -1;
  if (number >= least && number <= MAX_LIMIT) return number;
  throw new ClientError(`--limit=${JSON.stringify(limit)} is not a number from ${least} to ${MAX_LIMIT}`);
}
