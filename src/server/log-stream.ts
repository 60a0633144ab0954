import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { isatty } from 'node:tty';

/** How many bytes of lines may wait, some 10,000 lines. Beyond that, new lines are dropped and counted. */
const MOST_WAITING = 2 << 20;

/** The largest single write, in bytes. */
const CHUNK = 64 << 10;

/** How soon to try a full pipe again. */
const RETRY_INTERVAL_MS = 20;

/** How long waiting lines may delay the end of the process. */
const EXIT_FLUSH_LIMIT_MS = 500;

/** What was lost: `dropped` lines, of all streams of this process. */
export const logLoss = { dropped: 0 };

/**
 * Writes lines to a descriptor without ever waiting for it. If a pipe, socket or terminal does not accept
 * them, because no process reads it or a user stopped it (Ctrl-S), they stay in a bounded buffer, and beyond
 * that are dropped. As long as they are accepted, a line is out when `write` returns, so a crash loses none.
 * Another thread writes to files, since a disk may stall.
 */
export class LogStream {
  readonly #fd: number;
  readonly #isFile: boolean;
  /** Formats the line that reports dropped lines. */
  readonly #tell: (dropped: number) => string;
  #waiting: Buffer[] = [];
  #bytes = 0;
  #dropped = 0;
  /** Bytes that another thread is writing. */
  #elsewhere = 0;
  /** Whether the last write was accepted. */
  #isTaken = true;
  /** Keeps the descriptor non-blocking; nothing is written through it. */
  readonly #handle: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `tell` returns the line that reports how many were dropped, without a line break. */
  constructor(fd: number, tell: (dropped: number) => string) {
    this.#fd = isatty(fd) ? unblocked(fd) : fd;
    this.#tell = tell;
    const stat = fstatSync(fd);
    this.#isFile = stat.isFile();
    if (stat.isFIFO() || stat.isSocket()) {
      this.#handle = new Socket({ fd, readable: false, writable: true });
      this.#handle.on('error', () => undefined);
      this.#handle.unref();
    }
    process.once('exit', () => this.#drain(EXIT_FLUSH_LIMIT_MS));
  }

  /** Writes one or more lines, each with its line break. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#bytes + bytes.length > MOST_WAITING) {
      this.#drop(1);
      return;
    }
    this.#add(bytes);
    if (this.#elsewhere === 0) this.#go();
  }

  /**
   * Called by pino: writes the waiting lines for as long as they may delay the end of the process, then calls
   * back.
   */
  flush(done?: () => void): void {
    this.#drain(EXIT_FLUSH_LIMIT_MS);
    done?.();
  }

  /** Writes the waiting lines for at most `limit` milliseconds. */
  #drain(limit: number): void {
    // The other thread finishes what it has begun.
    if (this.#elsewhere > 0) this.#took(this.#elsewhere);
    const until = performance.now() + limit;
    const sleeper = new Int32Array(new SharedArrayBuffer(4));
    while (this.#bytes > 0 && this.#step() !== 'failed') {
      if (performance.now() > until) break;
      if (this.#bytes > 0) Atomics.wait(sleeper, 0, 0, 5);
    }
  }

  #add(bytes: Buffer): void {
    this.#waiting.push(bytes);
    this.#bytes += bytes.length;
  }

  #drop(lines: number): void {
    this.#dropped += lines;
    logLoss.dropped += lines;
  }

  #go(): void {
    if (this.#isFile) return this.#goElsewhere();
    if (this.#timer) return;
    if (this.#step() !== 'full') return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#go();
    }, RETRY_INTERVAL_MS);
    // Waiting for a reader must not keep the process alive.
    this.#timer.unref();
  }

  /** Writes until nothing waits, or a write is not accepted. */
  #step(): 'done' | 'full' | 'failed' {
    for (;;) {
      const chunk = this.#chunk();
      if (!chunk) return 'done';
      try {
        this.#took(writeSync(this.#fd, chunk));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EAGAIN') return 'full';
        this.#failed();
        return 'failed';
      }
    }
  }

  #goElsewhere(): void {
    const chunk = this.#chunk();
    if (!chunk) return;
    this.#elsewhere = chunk.length;
    write(this.#fd, chunk, (error, written) => {
      this.#elsewhere = 0;
      if (error) return this.#failed();
      this.#took(written);
      this.#goElsewhere();
    });
  }

  /** Handles a full disk or a vanished reader, which must not end the program that logs. */
  #failed(): void {
    this.#isTaken = false;
    let lines = 0;
    for (const bytes of this.#waiting) for (const byte of bytes) if (byte === 10) lines++;
    this.#waiting = [];
    this.#bytes = 0;
    this.#drop(lines);
  }

  /** Reports dropped lines once there is room again. */
  #say(): void {
    if (this.#dropped === 0 || !this.#isTaken || this.#bytes > MOST_WAITING / 2) return;
    const line = Buffer.from(`${this.#tell(this.#dropped)}\n`);
    this.#dropped = 0;
    this.#add(line);
  }

  #chunk(): Buffer | undefined {
    const [first, second] = this.#waiting;
    if (!first || !second || first.length >= CHUNK) return first?.subarray(0, CHUNK);
    let size = 0;
    let count = 0;
    for (; count < this.#waiting.length && size < CHUNK; count++) size += this.#waiting[count]?.length ?? 0;
    const joined = Buffer.concat(this.#waiting.splice(0, count));
    this.#waiting.unshift(joined);
    return joined.subarray(0, CHUNK);
  }

  #took(written: number): void {
    this.#isTaken = true;
    this.#bytes -= written;
    const first = this.#waiting[0];
    if (!first) return;
    if (written >= first.length) this.#waiting.shift();
    else this.#waiting[0] = first.subarray(written);
    this.#say();
  }
}

/**
 * Opens the same terminal again, since making the descriptor itself non-blocking would affect the shell and
 * every process that shares it. Returns the descriptor itself where that is impossible (no /proc, another
 * user's terminal).
 */
function unblocked(fd: number): number {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return fd;
  }
}
