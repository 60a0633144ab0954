import type { Address } from '../registry/address.js';
import type { Cluster } from '../registry/cluster.js';

/** The last sentence about each member of a cluster, with the time at which it was noted. */
export class MemberNotes {
  readonly #notes = new Map<Address, { readonly sentence: string; readonly at: number }>();

  /** Replaces what was noted before. `now` is a time of the lease clock, in milliseconds. */
  note(address: Address, sentence: string, now: number): void {
    this.#notes.set(address, { sentence, at: now });
  }

  /** The sentence about a member, if it was noted less than `within` milliseconds ago. */
  of(address: Address, now: number, within: number): string | undefined {
    const note = this.#notes.get(address);
    return note && now - note.at < within ? note.sentence : undefined;
  }

  forget(address: Address): void {
    this.#notes.delete(address);
  }

  /** Forgets every address that is no member of the cluster any more. */
  keep({ members }: Cluster): void {
    for (const address of this.#notes.keys()) if (!members.has(address)) this.#notes.delete(address);
  }
}
