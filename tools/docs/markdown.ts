/** A text as code. */
export function code(text: string): string {
  return `\`${text}\``;
}

/** A table in Markdown, as prettier leaves it. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((cells, i) =>
    i === 1 ? `|${cells.join('|')}|` : `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`,
  );
  // An empty cell is one space.
  return `${lines.join('\n').replaceAll('  ', ' ')}\n`;
}
