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
 * notes, then the last columns. Columns only grow, so rows that come later fit below those before. A column without any
 * text is left out.
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
    const lines = this.#cells(cells);
    const [line = ''] = lines;
    const beside = this.#width - line.length;
    if (note !== undefined && lines.length === 1 && beside >= Math.min(note.length, NARROWEST_NOTE)) {
      const [first = '', ...more] = wrap(note, beside);
      return [line + first, ...more.map((text) => ' '.repeat(line.length) + text)];
    }
    const below = note === undefined ? [] : wrap(note, this.#width - INDENT.length);
    return [...lines.map((text) => text.trimEnd()), ...below.map((text) => INDENT + text)];
  }

  /** Every cell as wide as its column and with the gap behind it, on as few lines as have room for them. */
  #cells(cells: readonly string[]): string[] {
    const lines: string[] = [];
    this.#widths.forEach((width, column) => {
      if (width === 0) return;
      const text = (cells[column] ?? '').padEnd(width) + GAP;
      const last = lines.at(-1);
      if (last !== undefined && last.length + width <= this.#width) lines[lines.length - 1] = last + text;
      else lines.push(last === undefined ? text : INDENT + text);
    });
    return lines;
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
