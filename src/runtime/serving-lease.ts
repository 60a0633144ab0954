import { LIST_CURRENT, SILENT_UNTOLD } from '../registry/rules.js';
import type { TimeSources } from './lease-clock.js';

/** A moment on this process's own clocks, in milliseconds. */
export interface Mark {
  readonly monotonic: number;
  readonly wall: number;
}

const NEVER: Mark = { monotonic: -Infinity, wall: -Infinity };

/**
 * How far this server may still speak for the others. It knows what they decided up to its last contact with
 * the store, and they wait for it only for a time (see registry/agreement.ts). Every poll checks it: a
 * process that was stopped for minutes must not send an old list before it has noticed. The wall clock counts
 * beside the monotonic one, which stands still while a machine is suspended.
 */
export class ServingLease {
  readonly #time: TimeSources;
  #reachedAt = NEVER;
  /** Whether there are other servers; assumed until the first contact with the store. */
  #others = true;
  #toldAt = NEVER;

  constructor(time: TimeSources) {
    this.#time = time;
  }

  /** Take the mark before you ask the store, and pass it to {@link renewed} when the store has answered. */
  begin(): Mark {
    return { monotonic: this.#time.monotonic(), wall: this.#time.wall() };
  }

  /**
   * The store answered a request sent at the mark. `others`: other servers keep the same lists, or did
   * lately.
   */
  renewed(mark: Mark, others: boolean): void {
    this.#reachedAt = mark;
    this.#others = others;
  }

  /**
   * From now on the other servers may believe that they know all that was heard here, whether or not the
   * write arrives.
   */
  telling(): void {
    this.#toldAt = this.begin();
  }

  /** The other servers no longer wait for this one, as if it had never reached the store. */
  lose(): void {
    this.#reachedAt = NEVER;
    this.#others = true;
  }

  /** Whether the other servers wait for this one before they send another list. */
  isValid(): boolean {
    return !this.#others || this.#ageOf(this.#reachedAt) < LIST_CURRENT;
  }

  /** Whether a silent member may be answered without a decision (R5, R9). */
  mayAnswerForSilent(): boolean {
    if (this.#reachedAt === NEVER) return false;
    const last = Math.min(this.#ageOf(this.#reachedAt), this.#ageOf(this.#toldAt));
    return !this.#others || last > SILENT_UNTOLD;
  }

  get hasOthers(): boolean {
    return this.#others;
  }

  /** Milliseconds since the mark, by the clock that shows more. */
  #ageOf({ monotonic, wall }: Mark): number {
    return Math.max(this.#time.monotonic() - monotonic, this.#time.wall() - wall);
  }
}
