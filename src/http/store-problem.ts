import { StoreOutcomeUnknown, type StoreUnavailable } from '../registry/interfaces.js';
import type { Problem } from './reply.js';

/** Seconds after which what the store could not do may be tried again. */
const RETRY_AFTER = 2;

/**
 * What is answered to a change that the store did not confirm. `undone` is what is certain when it was out of reach, such as
 * "nothing was changed"; when its outcome is not known, nothing is, and that is said instead.
 */
export function storeProblem(error: StoreUnavailable, undone?: string): Problem {
  const detail =
    error instanceof StoreOutcomeUnknown
      ? `it is not known whether the change was made: ${error.message}. It may still be made; look at the list and its history before you ask again`
      : `${undone === undefined ? '' : `${undone}: `}the store is unavailable (${error.message})`;
  return { status: 503, detail, retryAfter: RETRY_AFTER };
}
