/** JSON without what a refused request leaves behind (refused-trace.ts): all that it may change. */
export function withoutTrace(json: string): string {
  return JSON.stringify(JSON.parse(json), (key, value: unknown): unknown => {
    if (key === 'refused') return undefined;
    if (!Array.isArray(value)) return value;
    return (value as unknown[]).filter((one) => (one as { type?: unknown } | null)?.type !== 'refused');
  });
}
