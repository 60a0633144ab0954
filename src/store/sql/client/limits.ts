/** `0.9 s`, for sentences. */
export function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}
