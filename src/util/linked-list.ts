/** Where a value stands in a {@link LinkedList}. */
export interface ListNode<T> {
  readonly value: T;
  before: ListNode<T> | undefined;
  after: ListNode<T> | undefined;
}

/**
 * Values in the order in which they came; each may leave from wherever it stands. Every step takes constant time. A Set
 * would not do: it finds its first only past all that were deleted before it.
 */
export class LinkedList<T> {
  #first: ListNode<T> | undefined;
  #last: ListNode<T> | undefined;

  get first(): ListNode<T> | undefined {
    return this.#first;
  }

  add(value: T): ListNode<T> {
    const place: ListNode<T> = { value, before: this.#last, after: undefined };
    if (this.#last) this.#last.after = place;
    else this.#first = place;
    return (this.#last = place);
  }

  /** The place must be one of this row, and is none of it afterwards. */
  remove(place: ListNode<T>): void {
    const { before, after } = place;
    if (before) before.after = after;
    else this.#first = after;
    if (after) after.before = before;
    else this.#last = before;
    // A dead place in V8's old generation would keep its neighbours alive in each scavenge, and those theirs, until a full
    // collection.
    place.before = place.after = undefined;
  }
}
