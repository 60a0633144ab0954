const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** Reads `500ms`, `15s`, `2m` or `1h` into milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h)$/.exec(text);
  return match ? Number(match[1]) * UNITS[match[2] as keyof typeof UNITS] : undefined;
}

/** The shortest exact form that {@link parseDuration} reads. */
export function formatDuration(ms: number): string {
  if (ms % UNITS.s !== 0) return `${ms}ms`;
  return ms % UNITS.m === 0 && ms > 2 * UNITS.m ? `${ms / UNITS.m}m` : `${ms / UNITS.s}s`;
}
