import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';

/*
 * A process of its own: reads a file as fast as it can until it is told to stop, and then tells what it has read.
 */

/** A content that is another than the one before. */
export interface Sighting {
  /** Counts up with every file that takes the name: one that is renamed to it is a new one. */
  readonly file: number;
  readonly text: string;
  /** How long it was seen, in milliseconds. */
  readonly lasted: number;
}

export interface ReadReport {
  readonly reads: number;
  readonly sightings: readonly Sighting[];
  /** Reads that found no file of that name. */
  readonly absent: number;
}

/** How long it reads before it listens whether to stop, in milliseconds. */
const TURN = 20;

const path = process.argv[2] ?? '';
const sightings: { file: number; text: string; lasted: number; at: number }[] = [];
let reads = 0;
let absent = 0;
let files = 0;
/** Kept open, so that its number goes to no other file meanwhile. */
let held: { readonly fd: number; readonly ino: bigint } | undefined;

function readOnce(): void {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    absent++;
    return;
  }
  const { ino } = fstatSync(fd, { bigint: true });
  const text = readFileSync(fd, 'utf8');
  if (held?.ino === ino) {
    closeSync(fd);
  } else {
    if (held) closeSync(held.fd);
    held = { fd, ino };
    files++;
  }
  reads++;
  const now = performance.now();
  const last = sightings.at(-1);
  if (last) last.lasted = now - last.at;
  if (last?.file !== files || last.text !== text) sightings.push({ file: files, text, lasted: 0, at: now });
}

function turn(): void {
  const until = performance.now() + TURN;
  while (performance.now() < until) readOnce();
  next = setImmediate(turn);
}

let next = setImmediate(turn);
process.once('message', () => {
  clearImmediate(next);
  const told = sightings.map(({ file, text, lasted }): Sighting => ({ file, text, lasted }));
  const report: ReadReport = { reads, sightings: told, absent };
  process.send?.(report, () => process.disconnect());
});
