import { LIST_CURRENT, SILENT_UNTOLD } from '../registry/rules.js';
import type { TimeSources } from './lease-clock.js';

/** A moment on this process's own clocks, in milliseconds. */
export interface Mark {
  readonly monotonic: number;
  readonly wall: number;
}

const NEVER: Mark = { monotonic: -Infinity, wall: -Infinity };

/**
 * How far this server may still speak for the others: it knows what they decided up to its last contact with the
 * store, and they wait for it only for a time (see registry/agreement.ts). Asked at every poll, not once in a while:
 * a process that was stopped for minutes must not send an old list before it has noticed. The wall clock is looked at
 * beside the monotonic one, which stands still while a machine is suspended.
 */
export class ServingLease {
  readonly #time: TimeSources;
  #reachedAt = NEVER;
  /** Before the first contact it is not known whether there are any. */
  #others = true;
  #toldAt = NEVER;

  constructor(time: TimeSources) {
    this.#time = time;
  }

  /** To be taken before the store is asked, and given to {@link renewed} when it has answered. */
  begin(): Mark {
    return { monotonic: this.#time.monotonic(), wall: this.#time.wall() };
  }

  /** The store answered what was asked at the mark. `others`: other servers keep the same lists, or did lately. */
  renewed(mark: Mark, others: boolean): void {
    this.#reachedAt = mark;
    this.#others = others;
  }

  /** The others may be told now that they know all that was heard here; whether they are does not matter. */
  telling(): void {
    this.#toldAt = this.begin();
  }

  /** The others do not wait for it any more: it is as if it had never reached the store. */
  lose(): void {
    this.#reachedAt = NEVER;
    this.#others = true;
  }

  /** Whether the others wait for this server before they send another list. */
  isValid(): boolean {
    return !this.#others || this.#ageOf(this.#reachedAt) < LIST_CURRENT;
  }

  /** Whether a member that is known to be silent may be answered without a decision (R5, R9). */
  mayAnswerForSilent(): boolean {
    if (this.#reachedAt === NEVER) return false;
    const last = Math.min(this.#ageOf(this.#reachedAt), this.#ageOf(this.#toldAt));
    return !this.#others || last > SILENT_UNTOLD;
  }

  get hasOthers(): boolean {
    return this.#others;
  }

  /** Milliseconds since then, by whichever clock says more. */
  #ageOf({ monotonic, wall }: Mark): number {
    return Math.max(this.#time.monotonic() - monotonic, this.#time.wall() - wall);
  }
}
