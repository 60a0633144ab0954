import { ClientError } from '../client-error.js';
import { canAsk } from '../confirm.js';

export interface ImportOptions {
  readonly json?: true;
  readonly yes?: true;
  readonly dryRun?: true;
  readonly adopt?: true;
}

/** Throws {@link ClientError} if a change could not be confirmed, for lack of a terminal. */
export function mustBeAbleToAsk(what: string, options: ImportOptions, inputIsTaken = false): void {
  if (options.yes || options.dryRun || (canAsk() && !inputIsTaken)) return;
  const why = inputIsTaken ? 'the standard input is the source' : 'there is no terminal';
  throw new ClientError(
    `${what} asks before it changes anything, and ${why}; give --yes, or --dry-run to look`,
  );
}
