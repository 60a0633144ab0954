import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { isatty } from 'node:tty';

/** What may wait to be taken, in bytes: some 10,000 lines. What comes while that is full is dropped, and counted. */
const MOST_WAITING = 2 << 20;

/** The largest single write, in bytes. */
const CHUNK = 64 << 10;

/** How soon a pipe that was full is tried again. */
const RETRY_INTERVAL_MS = 20;

/** How long the end of the process may be held up for what still waits. */
const EXIT_FLUSH_LIMIT_MS = 500;

/** What could not be written: `dropped` lines, of all streams of this process. */
export const logLoss = { dropped: 0 };

/**
 * Writes lines to a descriptor and never waits for it: what a pipe, socket or terminal does not take, since nobody reads it
 * or somebody stopped it (Ctrl-S), stays in a bounded buffer, and beyond that is dropped. As long as it is taken, a line is out when `write` returns, so a crash
 * loses none. Files are written by another thread, since a disk may stall.
 */
export class LogStream {
  readonly #fd: number;
  readonly #isFile: boolean;
  /** Says of how many dropped lines a line tells. */
  readonly #tell: (dropped: number) => string;
  #waiting: Buffer[] = [];
  #bytes = 0;
  #dropped = 0;
  /** Bytes that another thread is writing. */
  #elsewhere = 0;
  /** Whether the last write was taken. */
  #isTaken = true;
  /** Keeps the descriptor from blocking; nothing is written through it. */
  readonly #handle: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `tell`: the line that says how many were dropped, without its line break. */
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

  /** One line or several, each with its line break. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#bytes + bytes.length > MOST_WAITING) {
      this.#drop(1);
      return;
    }
    this.#add(bytes);
    if (this.#elsewhere === 0) this.#go();
  }

  /** As pino asks for it: writes what waits, as long as the end of the process may be held up, and calls back. */
  flush(done?: () => void): void {
    this.#drain(EXIT_FLUSH_LIMIT_MS);
    done?.();
  }

  /** Writes what waits, for at most so many milliseconds. */
  #drain(limit: number): void {
    // The other thread ends what it has begun.
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
    // Whether there is a reader or not decides nothing about when the process may end.
    this.#timer.unref();
  }

  /** Writes until nothing waits, or it is not taken. */
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

  /** A full disk, or a reader that is gone, is no reason to end what is logged. */
  #failed(): void {
    this.#isTaken = false;
    let lines = 0;
    for (const bytes of this.#waiting) for (const byte of bytes) if (byte === 10) lines++;
    this.#waiting = [];
    this.#bytes = 0;
    this.#drop(lines);
  }

  /** When there is room again: what is missing above. */
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
 * The same terminal opened anew: who sets the descriptor itself to not blocking sets it for the shell and everybody else who
 * has it from there. The descriptor itself where that cannot be done (no /proc, another user's terminal).
 */
function unblocked(fd: number): number {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return fd;
  }
}
