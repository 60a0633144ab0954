import type { Behind, Clock, Stood } from '../registry/interfaces.js';

/** Longest step between two ticks in which the server counts as hearing. */
const LONGEST_STEP_MS = 1_500;

/** How far the wall clock may differ from the monotonic one between two ticks. */
const LONGEST_STRAY_MS = 2_000;

/**
 * For how long after a pause was noticed the input of sockets may be as old as the pause. A connection that
 * waited to be accepted is read only after timers have run.
 */
const PAUSED_INPUT_MS = 250;

export interface TimeSources {
  /** Milliseconds that never go back (performance.now). */
  monotonic(): number;
  /** Milliseconds since 1970 (Date.now). */
  wall(): number;
}

export const SYSTEM_TIME: TimeSources = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
};

/**
 * Time base of all leases. It advances only while this server can hear. It resumes from the stored value
 * after a restart, and a pause of the process (a blocked event loop, SIGSTOP, a suspended machine) adds at
 * most one step. So no member falls silent because the server could not hear. The wall clock is used only to
 * notice a suspended machine, whose monotonic clock stands still.
 */
export class LeaseClock implements Clock {
  readonly time: TimeSources;
  #base = 0;
  #baseAt: number;
  /** On this clock: since when it has not stood still, and all input that waited in sockets is read. */
  #runningSince = 0;
  /** On this clock: when it last stood still. */
  #stoodAt = 0;
  /**
   * How long it has stood still since it was last set to the shared clock, in milliseconds, less what it ran
   * meanwhile.
   */
  #stood = 0;
  /** On this clock: the latest time that it gave before it last stood still. */
  #stoodUntil = 0;
  #tickedAt: number;
  #tickedWall: number;

  constructor(time: TimeSources = SYSTEM_TIME) {
    this.time = time;
    this.#baseAt = this.#tickedAt = time.monotonic();
    this.#tickedWall = time.wall();
  }

  /** Goes on from a stored value, in milliseconds. */
  resumeAt(hearing: number): void {
    this.syncTo(Math.max(this.#base, hearing));
    this.#runningSince = this.now();
    this.#tickedAt = this.time.monotonic();
    this.#tickedWall = this.time.wall();
  }

  /**
   * Goes on from the clock that several servers share, which is the one that counts. The shared clock may be
   * slightly behind, or far behind after the store was away, when no server could hear.
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

  /**
   * When it last stood still since it was set to the shared clock, and for how long in all; undefined when it
   * did not.
   */
  get stood(): Stood | undefined {
    const more = this.#stillFor(this.time.monotonic(), this.time.wall());
    if (more > 0) return { at: this.now() - 1, by: this.#stood + more };
    return this.#stood > 0 ? { at: this.#stoodUntil, by: this.#stood } : undefined;
  }

  /**
   * Goes on from the shared clock, which ran while this one stood still. Returns how far this one has been
   * behind since it runs again: what was heard since then needs another time.
   */
  catchUp(hearing: number): Behind {
    // Timers may run in any order: the tick may still be due.
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
   * Whether the server could not hear since the last tick, and no tick has noticed that yet. After a pause,
   * sockets may be read before timers run.
   */
  get isBehind(): boolean {
    return this.#deafness(this.time.monotonic(), this.time.wall()) > 0;
  }

  /**
   * Whether input that is read now may have waited in a socket while the server stood still. Its sender may
   * be gone.
   */
  get readsWhatWaited(): boolean {
    return this.now() < this.#runningSince || this.isBehind;
  }

  /** The earliest time at which input that is read now can have been sent, on this clock. */
  saidAt(): number {
    if (!this.readsWhatWaited) return this.now();
    return Math.floor(this.now() < this.#runningSince ? this.#stoodAt : this.#base);
  }

  /**
   * Call this several times a second. Returns how long the server could not hear since the last tick, in
   * milliseconds; 0 when it could. A jump of the wall clock looks like a suspended machine and is reported
   * too. That costs one grace, which is harmless.
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

  /** Input read before a pause is noticed, and just after that, may have waited in its socket for as long. */
  #standStill(at: number): void {
    // The same pause may be noticed twice, when the shared clock is taken over in between.
    if (this.now() >= this.#runningSince) this.#stoodAt = at;
    this.#runningSince = this.now() + PAUSED_INPUT_MS;
  }

  /** How long it has stood still since it last moved, in milliseconds, a suspended machine included. */
  #stillFor(monotonic: number, wall: number): number {
    const stray = wall - this.#tickedWall - (monotonic - this.#tickedAt);
    const suspended = stray > LONGEST_STRAY_MS ? stray : 0;
    return Math.max(0, monotonic - this.#baseAt - LONGEST_STEP_MS) + suspended;
  }

  /** How long the server could not hear since the last tick, in milliseconds; 0 when it could. */
  #deafness(monotonic: number, wall: number): number {
    const step = monotonic - this.#tickedAt;
    if (step > LONGEST_STEP_MS) return step;
    const stray = Math.abs(wall - this.#tickedWall - step);
    return stray > LONGEST_STRAY_MS ? stray : 0;
  }
}
