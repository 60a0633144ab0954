import { parseArgs } from 'node:util';

export interface Flags {
  /** Connections of wrk, the same for every server. */
  readonly connections: number;
  /** Length of one turn of one scenario. */
  readonly seconds: number;
  /** How often every scenario takes its turn. */
  readonly rounds: number;
  /** Length of the steady load's measured part. */
  readonly steadySeconds: number;
  /** Flags of Node for this server's process, such as `--max-semi-space-size=4`. */
  readonly nodeFlags: readonly string[];
  /** Whether RESULTS.md is written. */
  readonly write: boolean;
}

export const USAGE =
  'npm run bench -- [--connections 32] [--seconds 5] [--rounds 3] [--steady-seconds 30] [--node-flags=FLAGS] [--write]';

/** Throws an Error with a sentence that names the flag. */
export function readFlags(args: readonly string[]): Flags {
  const { values } = parseArgs({
    args: [...args],
    options: {
      connections: { type: 'string', default: '32' },
      seconds: { type: 'string', default: '5' },
      rounds: { type: 'string', default: '3' },
      'steady-seconds': { type: 'string', default: '30' },
      'node-flags': { type: 'string', default: '' },
      write: { type: 'boolean', default: false },
    },
  });
  return {
    connections: whole('connections', values.connections, 1_000),
    seconds: whole('seconds', values.seconds, 600),
    rounds: whole('rounds', values.rounds, 100),
    steadySeconds: whole('steady-seconds', values['steady-seconds'], 3_600),
    nodeFlags: values['node-flags'].split(' ').filter(Boolean),
    write: values.write,
  };
}

function whole(flag: string, text: string, most: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= most) return value;
  throw new Error(`--${flag}=${JSON.stringify(text)} is no whole number from 1 to ${most}`);
}
