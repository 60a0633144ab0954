/** Tells never from late, in milliseconds: machines differ by a factor of five, and busy ones by more. */
export const NEVER = 240_000;

/** Waits until `met` returns something but undefined and false, asking again every `every` ms; fails after `limit` ms. */
export async function eventually<T>(
  what: string,
  met: () => T | Promise<T>,
  limit = NEVER,
  every = 20,
): Promise<Exclude<T, undefined | false>> {
  const deadline = performance.now() + limit;
  for (;;) {
    const result = await met();
    if (result !== undefined && result !== false) return result as Exclude<T, undefined | false>;
    if (performance.now() > deadline) throw new Error(`not within ${limit} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}
