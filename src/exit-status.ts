/**
 * The exit statuses of this program, and their meaning for each command. `npm run docs` generates the
 * commands' help and the table of docs/cli.md from here; the Chinese is in tools/docs/exit-statuses-zh.ts.
 */

/**
 * Numbers from 64 are those of BSD's sysexits.h, which service managers know: they do not retry 78 and do
 * retry 75.
 */
export const EXIT = {
  done: 0,
  /** Also the status of an unreadable command line. */
  refused: 1,
  found: 2,
  stopped: 3,
  /** EX_UNAVAILABLE */
  unavailable: 69,
  /** EX_TEMPFAIL */
  later: 75,
  /** EX_CONFIG */
  config: 78,
} as const;

export type ExitName = keyof typeof EXIT;

const ASKED = 'refused, or the server cannot be asked';
const NOT_CONFIRMED = 'refused, not confirmed, or the server cannot be asked';
const WRONG = 'a setting or the database cannot be used until it is fixed';

/** The meaning of each status, by the command that ends with it: ends of sentences, without a full stop. */
export const EXIT_STATUSES = {
  serve: {
    done: 'told to stop',
    refused: 'the stop failed, took too long, or was cut short by a second signal',
    later:
      'another start may succeed: a full disk, a file or a port that is in use, a name server that is away',
    config: WRONG,
  },
  migrate: {
    done: 'the schema is up to date',
    unavailable: 'the database cannot be reached now',
    later: 'another try may succeed: a full disk, a file that is in use',
    config: WRONG,
  },
  demo: {
    done: 'ended by Ctrl-C, or with --exit at the end of the story',
    refused: 'the story did not go on as it should, or its server could not be started',
  },
  members: { done: 'done, or --watch was ended by Ctrl-C', refused: ASKED },
  events: { done: 'done, or --follow was ended by Ctrl-C', refused: ASKED },
  doctor: {
    done: 'nothing is wrong, or all is repaired',
    refused: ASKED,
    found: 'something is wrong, or needs a person',
    stopped: 'a repair stopped',
  },
  leave: {
    done: 'done',
    refused: ASKED,
    later: 'it left, but when --wait was over some had not taken that up yet',
  },
  recover: { done: 'done', refused: NOT_CONFIRMED },
  delete: { done: 'done', refused: NOT_CONFIRMED },
  import: {
    done: 'done, or nothing to do',
    refused: NOT_CONFIRMED,
    later: 'with --adopt some stay static',
  },
  agent: {
    done: 'told to stop; with a command, its own status',
    later:
      'the node was not listed within --gate-timeout, or another start may succeed, such as a port in use',
    config: 'a setting cannot be used until it is fixed',
  },
  completion: { done: 'done', refused: 'an unknown shell' },
} as const satisfies Readonly<Record<string, Readonly<Partial<Record<ExitName, string>>>>>;

/** A command with exit statuses: every one but `help`. */
export type CommandName = keyof typeof EXIT_STATUSES;

/** The meaning of a command's statuses, in the order of the numbers. */
export function exitStatusesOf(command: CommandName): [ExitName, string][] {
  return Object.entries(EXIT_STATUSES[command]) as [ExitName, string][];
}
