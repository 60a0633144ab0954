import { EventEmitter } from 'node:events';
import { Responder } from '../../src/store/sqlite/responder.js';
import type { Request } from '../../src/store/sqlite/messages.js';
import type { DatabaseThread } from '../../src/store/sqlite/sqlite-store.js';

/**
 * The real database on the test's own thread. A thread takes 40 ms of CPU to start, and hundreds of tests start a server
 * each; that it is one of its own is tested by test/store/sqlite.test.ts and by every server that runs as a process.
 */
export class InlineThread extends EventEmitter implements DatabaseThread {
  readonly #responder = new Responder();
  #isRunning = true;

  postMessage(request: Request): void {
    // Copied as between threads: whoever sends what is not plain data, or changes it later, is found out.
    const sent = structuredClone(request);
    setImmediate(() => {
      if (this.#isRunning) this.emit('message', structuredClone(this.#responder.answer(sent)));
    });
  }

  terminate(): Promise<void> {
    this.#isRunning = false;
    this.#responder.answer({ id: 0, call: 'close', ask: null });
    return Promise.resolve();
  }
}
