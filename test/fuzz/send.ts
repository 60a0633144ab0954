import { once } from 'node:events';
import { connect } from 'node:net';
import { readAnswers } from './answers.js';
import { bytesOf, piecesOf, type Case } from './cases.js';

/** How long nothing must happen until a caller takes it that nothing will, in milliseconds. */
const QUIET = 40;

/** And how long one that is answered without end, by a stream, stays. */
const LONGEST = 300;

export interface Exchange {
  readonly sent: string;
  readonly received: string;
}

/** Does what the case says on a connection of its own, until all is answered, it is ended, or nothing more comes. */
export async function send(port: number, fuzzed: Case): Promise<Exchange> {
  const { requests, damage, delivery } = fuzzed;
  const methods = requests.map(({ method }) => method);
  const sent = bytesOf(fuzzed);
  const socket = connect({ port, host: '127.0.0.1', localAddress: delivery.from, noDelay: true });
  let received = '';
  // What the server cuts off while it is being sent is cut off.
  socket.on('error', () => undefined);
  const finished = new Promise<void>((resolve) => {
    const longest = setTimeout(resolve, LONGEST);
    socket.once('timeout', resolve);
    socket.once('close', () => {
      clearTimeout(longest);
      resolve();
    });
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      if (damage.length === 0 && isAnswered(received, methods)) resolve();
    });
  });
  await Promise.race([once(socket, 'connect').catch(() => undefined), finished]);
  socket.setTimeout(QUIET);
  for (const piece of piecesOf(sent, delivery.pieces)) {
    if (socket.destroyed) break;
    socket.write(piece, 'latin1');
    await new Promise(setImmediate);
  }
  if (delivery.end === 'half-close') socket.end();
  if (delivery.end !== 'hang up') await finished;
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
