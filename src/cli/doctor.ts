import { Option, type Command } from 'commander';
import { diagnose, lasting, type Diagnosis } from '../doctor/findings.js';
import { readNode, type ReadOptions } from '../doctor/node-view.js';
import { parseDuration } from '../duration.js';
import type { ClusterView } from '../registry/view.js';
import { ClientError } from './client-error.js';
import { clusterPath } from './cluster-name.js';
import { clientCommand, clientOf, run } from './command.js';
import { lineWidth, print } from './output.js';
import { plain } from './plain.js';
import { wrap } from './table.js';

/** Exit status when something is wrong. */
const FOUND = 2;

/** How long a node may take to say what it believes, in milliseconds. */
const TIMEOUT = 5_000;

interface Options {
  readonly json?: true;
  readonly again: string;
  readonly raftOffset: string;
  readonly identity?: string;
}

/** `doctor`: compares the registry's list with what each Nacos node and its Raft groups believe. Changes nothing. */
export function doctorCommand(): Command {
  return clientCommand(
    'doctor',
    'compare a cluster’s list with what its Nacos nodes and their Raft groups believe',
  )
    .argument('[cluster]', 'as product/cluster', 'nacos/serverlist')
    .addOption(
      new Option(
        '--again <time>',
        'look again after this time, and tell only what was found twice; 0s looks once',
      ).default('10s'),
    )
    .addOption(
      new Option('--raft-offset <n>', 'how far a node’s Raft port lies below its main port').default('1000'),
    )
    .addOption(
      new Option(
        '--identity <key:value>',
        'the header of nacos.core.auth.server.identity, where Nacos wants a login',
      ).env('NACOS_IDENTITY'),
    )
    .addHelpText(
      'after',
      '\nExit status: 0 when nothing is wrong; 2 when something is, or a node cannot be read; 1 when the server cannot be asked or says no.',
    )
    .action((cluster: string, options: Options, command: Command) =>
      run(async () => {
        const client = clientOf(command);
        const path = clusterPath(cluster);
        const offset = offsetOf(options.raftOffset);
        const read: ReadOptions = { identity: identityOf(options.identity), timeout: TIMEOUT };
        const pause = againOf(options.again);
        const look = async (): Promise<Diagnosis> => {
          const view = await client.getJson<ClusterView>(path);
          const nodes = await Promise.all(view.members.map(({ address }) => readNode(address, read)));
          return diagnose(view, nodes, offset);
        };
        let found = await look();
        if (pause > 0 && found.findings.length > 0) {
          await new Promise((resolve) => setTimeout(resolve, pause));
          found = lasting(found, await look());
        }
        if (options.json) await print(JSON.stringify(found, undefined, 2));
        else await print(...describe(cluster, found, lineWidth()));
        if (found.findings.length > 0) process.exitCode = FOUND;
      }),
    );
}

function describe(cluster: string, { findings, unknown }: Diagnosis, width: number): string[] {
  const lines = findings.flatMap(({ code, sentence, advice }) => [
    ...wrap(plain(`${code}: ${sentence}.`), width),
    ...wrap(plain(`  ${advice}`), width),
  ]);
  const cannotTell = unknown.flatMap((sentence) => wrap(plain(`cannot tell: ${sentence}`), width));
  if (lines.length > 0) return [...lines, ...cannotTell];
  const well =
    'the nodes believe what the registry lists, and every Raft group has a leader and exactly these voters';
  return unknown.length > 0 ? cannotTell : wrap(`${cluster}: ${well}`, width);
}

function offsetOf(text: string): number {
  const offset = /^-?\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (Number.isNaN(offset))
    throw new ClientError(`--raft-offset=${JSON.stringify(text)} is no number of ports, such as 1000`);
  return offset;
}

function againOf(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms > 600_000)
    throw new ClientError(`--again=${JSON.stringify(text)} is no time up to 10m, such as 10s`);
  return ms;
}

/** The value is a secret: it is not repeated. */
function identityOf(text: string | undefined): ReadOptions['identity'] {
  if (text === undefined || text === '') return undefined;
  const match = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+):([\x20-\x7e]+)$/.exec(text);
  if (!match) throw new ClientError('--identity (or NACOS_IDENTITY) is no KEY:VALUE');
  return { key: match[1] ?? '', value: match[2] ?? '' };
}
