/**
 * A signal is how what never ends by itself is ended, so the exit status is 0. What must be put back is put back by
 * listeners of `exit`.
 */
export function endBySignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(0));
}
