import { StoreOutcomeUnknown, type StoreUnavailable } from '../registry/interfaces.js';
import type { Problem } from './reply.js';

/** Seconds after which a change that the store could not make may be tried again. */
const RETRY_AFTER = 2;

/**
 * The answer to a change that the store did not confirm. `undone` states what is certain if the store was out
 * of reach, such as "nothing was changed"; if the outcome is unknown, the answer says that instead.
 */
export function storeProblem(error: StoreUnavailable, undone?: string): Problem {
  const detail =
    error instanceof StoreOutcomeUnknown
      ? `it is not known whether the change was made: ${error.message}. It may still be made; look at the list and its history before you ask again`
      : `${undone === undefined ? '' : `${undone}: `}the store is unavailable (${error.message})`;
  return { status: 503, detail, retryAfter: RETRY_AFTER };
}
