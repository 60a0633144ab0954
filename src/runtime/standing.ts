import { LIST_CURRENT, SILENT_UNTOLD } from '../registry/rules.js';
import type { TimeSources } from './hearing-clock.js';

/**
 * How far this server may still speak for the others: it knows what they decided up to its last contact with the
 * store, and they wait for it only for a time (see registry/agreement.ts). Asked at every poll, not once in a while:
 * a process that was stopped for minutes must not send an old list before it has noticed. The wall clock is looked at
 * beside the monotonic one, which stands still while a machine is suspended.
 */
export class Standing {
  readonly #time: TimeSources;
  #monotonicAt = -Infinity;
  #wallAt = -Infinity;
  /** Before the first contact it is not known whether there are any. */
  #others = true;
  #toldAt = { monotonic: -Infinity, wall: -Infinity };

  constructor(time: TimeSources) {
    this.#time = time;
  }

  /** To be taken before the store is asked, and given to {@link reached} when it has answered. */
  mark(): { readonly monotonic: number; readonly wall: number } {
    return { monotonic: this.#time.monotonic(), wall: this.#time.wall() };
  }

  /** The store answered what was asked at the mark. `others`: other servers keep the same lists, or did lately. */
  reached(mark: { readonly monotonic: number; readonly wall: number }, others: boolean): void {
    this.#monotonicAt = mark.monotonic;
    this.#wallAt = mark.wall;
    this.#others = others;
  }

  /** The others may be told now that they know all that was heard here; whether they are does not matter. */
  telling(): void {
    this.#toldAt = this.mark();
  }

  /** The others do not wait for it any more: it is as if it had never reached the store. */
  lose(): void {
    this.#monotonicAt = this.#wallAt = -Infinity;
    this.#others = true;
  }

  /** Whether the others wait for this server before they send another list. */
  isCurrent(): boolean {
    return !this.#others || this.#age() < LIST_CURRENT;
  }

  /** Whether a member that is known to be silent may be answered without a decision (R5, R9). */
  mayAnswerSilent(): boolean {
    if (this.#monotonicAt === -Infinity) return false;
    return !this.#others || Math.min(this.#age(), this.#ageOf(this.#toldAt)) > SILENT_UNTOLD;
  }

  get hasOthers(): boolean {
    return this.#others;
  }

  /** Milliseconds since the last contact. */
  #age(): number {
    return this.#ageOf({ monotonic: this.#monotonicAt, wall: this.#wallAt });
  }

  #ageOf({ monotonic, wall }: { readonly monotonic: number; readonly wall: number }): number {
    return Math.max(this.#time.monotonic() - monotonic, this.#time.wall() - wall);
  }
}
