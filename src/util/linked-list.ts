/** The place of a value in a {@link LinkedList}. */
export interface ListNode<T> {
  readonly value: T;
  before: ListNode<T> | undefined;
  after: ListNode<T> | undefined;
}

/**
 * Values in order of arrival, each removable from any place. Every step takes constant time, unlike in a Set,
 * which finds its first value only past all that were deleted before it.
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

  /** Removes a place of this list, which is invalid afterwards. */
  remove(place: ListNode<T>): void {
    const { before, after } = place;
    if (before) before.after = after;
    else this.#first = after;
    if (after) after.before = before;
    else this.#last = before;
    // In V8's old generation a dead place would keep its neighbours alive in each scavenge, and those theirs,
    // until a full collection.
    place.before = place.after = undefined;
  }
}
