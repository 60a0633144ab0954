/** Prints lines. Resolves once they are passed on, so that a slow reader slows down the caller. */
export function print(...lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return Promise.resolve();
  // The stream's own event reports a failure (command.ts).
  return new Promise((resolve) => process.stdout.write(`${lines.join('\n')}\n`, () => resolve()));
}

/** How many characters fit into a line: the terminal's columns, or no limit. */
export function lineWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns || 80 : Infinity;
}
