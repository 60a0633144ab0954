import { Option, type Command } from 'commander';
import { clientCommand, ClientError, clusterPath, getJson, run } from './client.js';
import { renderTable } from './table.js';

interface EventView {
  readonly seq: number;
  readonly time: string;
  readonly product: string;
  readonly cluster: string;
  readonly type: string;
  readonly address?: string;
  readonly revision: number;
  readonly reason: string;
}

interface Options {
  readonly server: string;
  readonly json?: true;
  readonly limit: string;
}

/** `events`: a running server's history, oldest first, as one reads a log. */
export function eventsCommand(): Command {
  return clientCommand('events', 'print the history of a running server')
    .addOption(new Option('--limit <number>', 'the newest so many, 1 to 1000').default('50'))
    .action((cluster: string | undefined, options: Options) =>
      run(async () => {
        if (!/^\d{1,4}$/.test(options.limit)) {
          throw new ClientError(`--limit=${JSON.stringify(options.limit)} is no number from 1 to 1000`);
        }
        const path = cluster === undefined ? '/api/v1/events' : `${clusterPath(cluster)}/events`;
        const { events } = await getJson<{ events: EventView[] }>(
          options.server,
          `${path}?limit=${options.limit}`,
        );
        events.reverse();
        if (options.json) return console.log(JSON.stringify(events, undefined, 2));
        console.log(events.length === 0 ? 'no events' : await render(events));
      }),
    );
}

function render(events: readonly EventView[]): Promise<string> {
  const rows = events.map(({ time, product, cluster, type, address, revision, reason }) => [
    time,
    `${product}/${cluster}`,
    type,
    address ?? '',
    revision,
    reason,
  ]);
  return renderTable(['time', 'cluster', 'event', 'address', 'revision', 'reason'], rows);
}
