import { parentPort } from 'node:worker_threads';
import type { Request } from './messages.js';
import { Responder } from './responder.js';

/** The thread that owns the database: answers one call after the other, in the order they came. */

const responder = new Responder();

parentPort?.on('message', (request: Request) => {
  parentPort?.postMessage(responder.answer(request));
});
