/** One row of a table, in plain text. */
export interface Row {
  readonly cells: readonly string[];
  /** A sentence after the cells. */
  readonly note?: string | undefined;
}

/** Between two columns. */
const GAP = '  ';
/** Before lines that continue the line above. */
const INDENT = '    ';
/** Notes narrower than this go below the row instead of beside it. */
const NARROWEST_NOTE = 30;

/**
 * Lays out rows one below the other. What does not fit into the width moves to indented lines: first the
 * notes, then the last columns. Columns only grow, so later rows line up with earlier ones. Columns without
 * text are left out.
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

  /** The rows as lines, with the header unless it was printed before. */
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

  /** Pads each cell to its column plus the gap, on as few lines as possible. */
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

/** Breaks a text between words into lines of at most `width` characters; a longer word stays whole. */
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
