/** Why a `fetch` failed: its error only says "fetch failed", and the cause, unless that is silent, says why. */
export function fetchReason(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error && cause.message !== '' ? cause.message : message;
}
