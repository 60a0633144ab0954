import { once } from 'node:events';
import { connect } from 'node:net';
import { readAnswers } from './answers.js';
import { bytesOf, piecesOf, type Case } from './cases.js';
import type { Subject } from './harness.js';

/**
 * A caller takes it that nothing more will come when so many times nothing came for this many milliseconds, and the
 * server was seen to have time in between: on a busy machine a clock alone says little.
 */
const QUIET = 10;
const TIMES = 3;

/** How long one that is answered without end stays, in milliseconds. */
const LONGEST = 2_000;

export interface Exchange {
  readonly sent: string;
  readonly received: string;
}

/** Does what the case says on a connection of its own, until all is answered, it is ended, or nothing more comes. */
export async function send(subject: Subject, fuzzed: Case): Promise<Exchange> {
  const { requests, damage, delivery } = fuzzed;
  const methods = requests.map(({ method }) => method);
  const sent = bytesOf(fuzzed);
  const { from } = delivery;
  const socket = connect({ port: subject.port, host: '127.0.0.1', localAddress: from, noDelay: true });
  let received = '';
  let isFinished = false;
  // What the server cuts off while it is being sent is cut off.
  socket.on('error', () => undefined);
  socket.once('close', () => (isFinished = true));
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
    isFinished ||= damage.length === 0 && isAnswered(received, methods);
  });
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => undefined);
  for (const piece of piecesOf(sent, delivery.pieces)) {
    if (socket.destroyed) break;
    socket.write(piece, 'latin1');
    await new Promise(setImmediate);
  }
  if (delivery.end === 'half-close') socket.end();
  const until = performance.now() + LONGEST;
  for (let quiet = 0; quiet < TIMES && delivery.end !== 'hang up' && performance.now() < until;) {
    const before = received.length + socket.bytesWritten;
    if (isFinished) break;
    await new Promise((resolve) => setTimeout(resolve, QUIET));
    await subject.beat();
    quiet = received.length + socket.bytesWritten === before ? quiet + 1 : 0;
  }
  socket.destroy();
  return { sent, received };
}

function isAnswered(received: string, methods: readonly string[]): boolean {
  try {
    const answers = readAnswers(received, methods);
    return answers.length === methods.length && answers.every(({ complete }) => complete);
  } catch {
    // The check says what is wrong with it.
    return true;
  }
}
