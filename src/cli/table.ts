/** One row of a table, its text plain. */
export interface Row {
  readonly cells: readonly string[];
  /** Follows the cells: a sentence. */
  readonly note?: string | undefined;
}

/** Between two columns. */
const GAP = '  ';
/** Before what belongs to the line above. */
const INDENT = '    ';
/** A note beside its row is no wrapped column of a few letters. */
const NARROWEST_NOTE = 30;

/**
 * Lays out rows one below the other. What does not fit into the width goes on indented lines of its own: first the
 * notes, then all but the first column. Columns only grow, so rows that come later fit below those before. A column
 * without any text is left out.
 */
export class Columns {
  readonly #head: readonly string[];
  readonly #width: number;
  readonly #widths: number[];

  /** `width`: characters in a line. */
  constructor(head: readonly string[], width = Infinity) {
    this.#head = head;
    this.#width = width;
    this.#widths = head.map(() => 0);
  }

  /** The rows as lines, with the head above unless it is there already. */
  lines(rows: readonly Row[], { head = true } = {}): string[] {
    for (const { cells } of rows) {
      cells.forEach((cell, column) => {
        if (cell === '') return;
        const least = this.#head[column]?.length ?? 0;
        this.#widths[column] = Math.max(this.#widths[column] ?? 0, least, cell.length);
      });
    }
    const all = head ? [{ cells: this.#head }, ...rows] : rows;
    return all.flatMap((row) => this.#row(row));
  }

  #row({ cells, note }: Row): string[] {
    const used = this.#widths.reduce((sum, width) => sum + (width === 0 ? 0 : width + GAP.length), 0);
    const isWide = used - GAP.length <= this.#width;
    const lines = isWide
      ? [this.#cells(cells, 0)]
      : [cells[0] ?? '', INDENT + this.#cells(cells, 1)].filter((line) => line.trim() !== '');
    if (note === undefined) return lines.map((line) => line.trimEnd());
    const beside = this.#width - used;
    if (isWide && beside >= Math.min(note.length, NARROWEST_NOTE)) {
      const [first = '', ...more] = wrap(note, beside);
      return [`${lines[0] ?? ''}${first}`, ...more.map((line) => ' '.repeat(used) + line)];
    }
    const below = wrap(note, this.#width - INDENT.length).map((line) => INDENT + line);
    return [...lines.map((line) => line.trimEnd()), ...below];
  }

  /** Every cell with the gap behind it. */
  #cells(cells: readonly string[], from: number): string {
    return this.#widths
      .map((width, column) => (width === 0 || column < from ? '' : (cells[column] ?? '').padEnd(width) + GAP))
      .join('');
  }
}

/** Breaks a text between words into lines of at most so many characters; a word that is longer stays whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${line} ${word}`;
    } else lines.push(word);
  }
  return lines;
}
