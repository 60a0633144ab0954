/** A task that waits for a place. */
interface Asked {
  readonly begin: () => void;
}

/**
 * Places for tasks that take others' time. Whoever has many tasks gets one place after the other in turn with all that
 * wait, and never more than its share at once: a large cluster whose nodes do not answer holds up nobody but itself.
 */
export class Slots {
  readonly #places: number;
  readonly #share: number;
  readonly #waiting = new Map<object, Asked[]>();
  readonly #running = new Map<object, number>();
  #taken = 0;

  /** `places`: tasks at once; `share`: those of one owner. */
  constructor(places: number, share: number) {
    this.#places = places;
    this.#share = share;
  }

  /** Runs a task when there is a place for its owner; settles as it does. */
  async run<T>(owner: object, task: () => Promise<T>): Promise<T> {
    await new Promise<void>((resolve) => {
      const asked = this.#waiting.get(owner);
      if (asked) asked.push({ begin: resolve });
      else this.#waiting.set(owner, [{ begin: resolve }]);
      this.#fill();
    });
    try {
      return await task();
    } finally {
      this.#taken--;
      const left = (this.#running.get(owner) ?? 1) - 1;
      if (left === 0) this.#running.delete(owner);
      else this.#running.set(owner, left);
      this.#fill();
    }
  }

  #fill(): void {
    for (let isFull = false; !isFull;) {
      isFull = true;
      for (const [owner, asked] of [...this.#waiting]) {
        if (this.#taken >= this.#places) return;
        const running = this.#running.get(owner) ?? 0;
        if (running >= this.#share) continue;
        // It goes to the end of the row.
        this.#waiting.delete(owner);
        const next = asked.shift();
        if (asked.length > 0) this.#waiting.set(owner, asked);
        if (!next) continue;
        this.#taken++;
        this.#running.set(owner, running + 1);
        isFull = false;
        next.begin();
      }
    }
  }
}
