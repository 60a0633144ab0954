/** Where a value stands in a {@link Row}. */
export interface Place<T> {
  readonly value: T;
  before: Place<T> | undefined;
  after: Place<T> | undefined;
}

/**
 * Values in the order in which they came; each may leave from wherever it stands. Every step takes constant time. A Set
 * would not do: it finds its first only past all that were deleted before it.
 */
export class Row<T> {
  #first: Place<T> | undefined;
  #last: Place<T> | undefined;

  get first(): Place<T> | undefined {
    return this.#first;
  }

  add(value: T): Place<T> {
    const place: Place<T> = { value, before: this.#last, after: undefined };
    if (this.#last) this.#last.after = place;
    else this.#first = place;
    return (this.#last = place);
  }

  /** The place must be one of this row, and is none of it afterwards. */
  remove(place: Place<T>): void {
    const { before, after } = place;
    if (before) before.after = after;
    else this.#first = after;
    if (after) after.before = before;
    else this.#last = before;
    // Or V8's scavenges would keep what came after it: one that is in the old generation, dead or not, keeps its next one
    // alive, which gets there so, and keeps its own (requests lived until a full collection, 10 kB each).
    place.before = place.after = undefined;
  }
}
