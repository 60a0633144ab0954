/** Simulated time: what is due runs in the order of its time, and of its planning when at the same time. */
export class Schedule {
  #now = 0;
  #planned = 0;
  readonly #heap: { readonly at: number; readonly order: number; readonly run: () => void }[] = [];

  /** Milliseconds since the history's beginning. */
  get now(): number {
    return this.#now;
  }

  after(delay: number, run: () => void): void {
    const heap = this.#heap;
    const item = { at: this.#now + delay, order: this.#planned++, run };
    let i = heap.push(item) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(item, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = item;
  }

  /** Runs everything due up to a time, which is now afterwards. */
  runUntil(time: number): void {
    const heap = this.#heap;
    while (heap.length > 0 && heap[0]!.at <= time) {
      const first = heap[0]!;
      const last = heap.pop()!;
      if (heap.length > 0) this.#sink(last);
      this.#now = first.at;
      first.run();
    }
    this.#now = time;
  }

  #sink(item: { readonly at: number; readonly order: number; readonly run: () => void }): void {
    const heap = this.#heap;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, item)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = item;
  }
}

function isBefore(a: { at: number; order: number }, b: { at: number; order: number }): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
