import type { TestContext } from 'node:test';

/** What a test made, given up at its end in the reverse order. */
export class Cleanup {
  readonly #steps: (() => unknown)[] = [];

  constructor(t: Pick<TestContext, 'after'>) {
    t.after(async () => {
      for (const step of this.#steps.reverse()) await step();
    });
  }

  after = (step: () => unknown): void => {
    this.#steps.push(step);
  };
}
