/** Prints lines; resolves when they are passed on, so a slow reader slows down whoever awaits it. */
export function print(...lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return Promise.resolve();
  // A failure is told by the stream's own event (command.ts).
  return new Promise((resolve) => process.stdout.write(`${lines.join('\n')}\n`, () => resolve()));
}

/** Characters that fit into a line: a terminal's, or any number. */
export function lineWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns || 80 : Infinity;
}
