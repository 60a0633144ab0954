import { parentPort } from 'node:worker_threads';
import type { Request } from './messages.js';
import { Responder } from './responder.js';

/** Entry point of the thread that owns the database. Answers calls one at a time, in the order of arrival. */

const responder = new Responder();

parentPort?.on('message', (request: Request) => {
  parentPort?.postMessage(responder.answer(request));
});
