import type { TestContext } from 'node:test';
import { NacosNode, pollPath } from './nodes.js';

/** A node that polls a server process by itself, often, until it is stopped; a server that is away does not matter. */
export class PollingNode {
  readonly #node: NacosNode;
  #timer: NodeJS.Timeout | undefined;
  #isPolling = false;

  constructor(t: Pick<TestContext, 'after'>, server: { port: number }, self: string, query = '') {
    this.#node = new NacosNode(t, server, pollPath(self, query));
    t.after(() => this.pause());
    this.resume();
  }

  resume(): void {
    this.#timer ??= setInterval(() => void this.#poll(), 100);
  }

  /** Polls no more; its connection stays. */
  pause(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Its process ends, and its connection with it. */
  die(): void {
    this.pause();
    this.#node.die();
  }

  async #poll(): Promise<void> {
    if (this.#isPolling) return;
    this.#isPolling = true;
    await this.#node.poll().catch(() => undefined);
    this.#isPolling = false;
  }
}
