import type { Behind, Clock, Stood } from '../registry/interfaces.js';

/** Longest step between two ticks that counts as hearing. */
const LONGEST_STEP_MS = 1_500;

/** How far the wall clock may stray from the monotonic one between two ticks. */
const LONGEST_STRAY_MS = 2_000;

/**
 * How long after a pause was noticed what is read from sockets may have waited there meanwhile: a connection
 * that waited to be accepted is read only after timers have run.
 */
const PAUSED_INPUT_MS = 250;

export interface TimeSources {
  /** Milliseconds, never going back (performance.now). */
  monotonic(): number;
  /** Milliseconds since 1970 (Date.now). */
  wall(): number;
}

export const SYSTEM_TIME: TimeSources = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
};

/**
 * The clock of all leases. It runs only while the server can hear: across a restart it goes on from the stored
 * value, and a pause of the process (a blocked event loop, SIGSTOP, a suspended machine) adds at most one step,
 * so nobody grows silent because the server was deaf. The wall clock decides nothing; it only betrays a
 * suspended machine, whose monotonic clock stands still.
 */
export class LeaseClock implements Clock {
  readonly time: TimeSources;
  #base = 0;
  #baseAt: number;
  /** On this clock: it has not stood still since, and has read what had waited in its sockets. */
  #runningSince = 0;
  /** On this clock: when it last stood still. */
  #stoodAt = 0;
  /** For how long it stood still since it last went on from the shared one, in milliseconds, less what it ran on meanwhile. */
  #stood = 0;
  /** On this clock: what it gave before it last stood still was not later. */
  #stoodUntil = 0;
  #tickedAt: number;
  #tickedWall: number;

  constructor(time: TimeSources = SYSTEM_TIME) {
    this.time = time;
    this.#baseAt = this.#tickedAt = time.monotonic();
    this.#tickedWall = time.wall();
  }

  /** Goes on from a stored value. */
  resumeAt(hearing: number): void {
    this.syncTo(Math.max(this.#base, hearing));
    this.#runningSince = this.now();
    this.#tickedAt = this.time.monotonic();
    this.#tickedWall = this.time.wall();
  }

  /**
   * Goes on from the clock that several servers share, which counts. It may be a little behind, or far after the store
   * was away: then nobody could hear.
   */
  syncTo(hearing: number): void {
    const stood = this.stood?.by ?? 0;
    if (this.isBehind) this.#standStill(this.#base);
    const ahead = this.now() - hearing;
    this.#runningSince -= Math.max(0, ahead);
    this.#stoodAt -= Math.max(0, ahead + stood);
    this.#stood = 0;
    this.#base = hearing;
    this.#baseAt = this.time.monotonic();
  }

  /** When it last stood still since it was last set to the shared one, and for how long in all; undefined when it did not. */
  get stood(): Stood | undefined {
    const more = this.#stillFor(this.time.monotonic(), this.time.wall());
    if (more > 0) return { at: this.now() - 1, by: this.#stood + more };
    return this.#stood > 0 ? { at: this.#stoodUntil, by: this.#stood } : undefined;
  }

  /**
   * Goes on from the shared clock, which went on while this one stood still. Returns by how much it was behind since it has
   * run again: what was heard since then has another time.
   */
  catchUp(hearing: number): Behind {
    // Timers may run in any order: the tick may come later.
    if (this.isBehind) this.#standStill(this.#base);
    const until = this.now();
    const behind = { since: this.#runningSince, until, by: hearing - until };
    this.syncTo(hearing);
    this.#runningSince += behind.by;
    return behind;
  }

  now(): number {
    return Math.floor(this.#base + Math.min(this.time.monotonic() - this.#baseAt, LONGEST_STEP_MS));
  }

  wall(): number {
    return this.time.wall();
  }

  /**
   * Whether the server was deaf since the last tick, which has not noticed yet: after a pause, sockets may be read before
   * timers run.
   */
  get isBehind(): boolean {
    return this.#deafness(this.time.monotonic(), this.time.wall()) > 0;
  }

  /** Whether what is read now may have waited in a socket while the server stood still: its sender may be gone since. */
  get readsWhatWaited(): boolean {
    return this.now() < this.#runningSince || this.isBehind;
  }

  /** When what is read now was said, at the earliest. */
  saidAt(): number {
    if (!this.readsWhatWaited) return this.now();
    return Math.floor(this.now() < this.#runningSince ? this.#stoodAt : this.#base);
  }

  /**
   * To be called several times a second. Returns how long the server was deaf since the last tick, in
   * milliseconds, and 0 when it was not. A jump of the wall clock looks like a suspended machine and is
   * reported too: that costs one grace, which is harmless.
   */
  tick(): number {
    const monotonic = this.time.monotonic();
    const wall = this.time.wall();
    const deafness = this.#deafness(monotonic, wall);
    const before = this.#base;
    const stood = this.#stillFor(monotonic, wall);
    if (stood > 0) {
      this.#stood += stood;
      this.#stoodUntil = this.now() - 1;
    }
    this.#base += Math.min(monotonic - this.#baseAt, LONGEST_STEP_MS);
    this.#baseAt = this.#tickedAt = monotonic;
    this.#tickedWall = wall;
    if (deafness > 0) this.#standStill(before);
    return deafness;
  }

  /** What is read from sockets until a pause is noticed, and just after that, may have waited there for as long. */
  #standStill(at: number): void {
    // The same pause may be noticed twice, with the shared clock taken over in between.
    if (this.now() >= this.#runningSince) this.#stoodAt = at;
    this.#runningSince = this.now() + PAUSED_INPUT_MS;
  }

  /** For how long it has stood still since it last moved, in milliseconds, a suspended machine included. */
  #stillFor(monotonic: number, wall: number): number {
    const stray = wall - this.#tickedWall - (monotonic - this.#tickedAt);
    const suspended = stray > LONGEST_STRAY_MS ? stray : 0;
    return Math.max(0, monotonic - this.#baseAt - LONGEST_STEP_MS) + suspended;
  }

  /** How long the server was deaf since the last tick, in milliseconds; 0 when it was not. */
  #deafness(monotonic: number, wall: number): number {
    const step = monotonic - this.#tickedAt;
    if (step > LONGEST_STEP_MS) return step;
    const stray = Math.abs(wall - this.#tickedWall - step);
    return stray > LONGEST_STRAY_MS ? stray : 0;
  }
}
