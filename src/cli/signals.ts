/**
 * Ends an endless command with status 0 on a signal, since that is how users end it. Listeners of `exit`
 * restore what must be restored.
 */
export function endBySignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(0));
}
