/** A task waiting for a slot. */
interface Asked {
  readonly begin: () => void;
}

/**
 * A bounded number of slots for tasks. Owners with waiting tasks take turns, and none holds more than its
 * share, so a large cluster whose nodes do not answer delays only itself.
 */
export class Slots {
  readonly #places: number;
  readonly #share: number;
  readonly #waiting = new Map<object, Asked[]>();
  readonly #running = new Map<object, number>();
  #taken = 0;

  /** `places`: concurrent tasks; `share`: those of one owner. */
  constructor(places: number, share: number) {
    this.#places = places;
    this.#share = share;
  }

  /** Runs a task as soon as its owner gets a slot; settles as the task does. */
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
        // The owner goes to the end of the queue.
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
