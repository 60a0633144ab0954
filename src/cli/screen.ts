/** Switches to the terminal's second screen and hides the cursor; CLOSE undoes both. */
const OPEN = '\x1b[?1049h\x1b[?25l';
const CLOSE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
/** Erases the rest of a line, or of the screen. */
const ERASE_LINE = '\x1b[K';
const ERASE_BELOW = '\x1b[J';

/**
 * A terminal that is redrawn in place. However the process ends, short of SIGKILL, the terminal is restored.
 */
export class Screen {
  readonly #lines: (width: number) => readonly string[];
  #isOpen = false;
  #isSuspended = false;
  readonly #close = (): void => this.close();
  readonly #draw = (): void => this.draw();

  /** `lines` returns the lines to show in so many columns. */
  constructor(lines: (width: number) => readonly string[]) {
    this.#lines = lines;
  }

  /** Whether standard output is a terminal whose cursor can be moved. */
  static get isPossible(): boolean {
    return process.stdout.isTTY && process.env.TERM !== 'dumb';
  }

  /** Draws the current lines. */
  draw(): void {
    if (this.#isSuspended) return;
    if (!this.#isOpen) this.#open();
    // A terminal of unknown size reports 0.
    const columns = process.stdout.columns || 80;
    const rows = process.stdout.rows || 24;
    const lines = fitted(this.#lines(columns), columns, rows);
    process.stdout.write(HOME + lines.map((line) => line + ERASE_LINE).join('\n') + ERASE_BELOW);
  }

  /** Restores the terminal. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.off('exit', this.#close).off('SIGTSTP', this.#suspend).off('SIGCONT', this.#resume);
    process.stdout.off('resize', this.#draw).write(CLOSE);
  }

  #open(): void {
    this.#isOpen = true;
    process.on('exit', this.#close).on('SIGTSTP', this.#suspend).on('SIGCONT', this.#resume);
    process.stdout.on('resize', this.#draw).write(OPEN);
  }

  /**
   * Handles Ctrl-Z: the shell gets its own screen back. The process may run for a moment before it stops, and
   * must not draw then.
   */
  readonly #suspend = (): void => {
    this.#isSuspended = true;
    process.stdout.write(CLOSE);
    process.kill(process.pid, 'SIGSTOP');
  };

  /** Handles `fg`. */
  readonly #resume = (): void => {
    if (!this.#isSuspended) return this.draw();
    this.#isSuspended = false;
    process.stdout.write(OPEN);
    this.draw();
  };
}

/** As many lines as fit, each cut to the columns. */
function fitted(lines: readonly string[], columns: number, rows: number): string[] {
  const shown = lines.length <= rows ? lines : lines.slice(0, rows - 1);
  const more = lines.length - shown.length;
  const all = more === 0 ? shown : [...shown, `… ${more} more lines: a taller window shows them`];
  return all.map((line) => (line.length <= columns ? line : `${line.slice(0, columns - 1)}…`));
}
