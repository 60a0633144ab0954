import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { eventually } from './eventually.js';

/** The headers of a Nacos 2.5.1 node's poll, as seen on the wire. */
export const NACOS_HEADERS =
  'Accept-Charset: UTF-8\r\n' +
  'Content-Type: application/json;charset=UTF-8\r\n' +
  'User-Agent: Java/17.0.15\r\n' +
  'Host: 127.0.0.1\r\n' +
  'Accept: text/html, image/gif, image/jpeg, */*; q=0.2\r\n' +
  'Connection: keep-alive\r\n';

export interface PollConnection {
  readonly socket: Socket;
  /** Everything received so far. */
  received(): string;
  /** Sends one more poll on the same connection and waits for the whole answer; returns it. */
  poll(): Promise<string>;
}

/** Polls as a Nacos does, on a raw socket that stays open; resolves when the first answer is there. */
export async function openPoll(t: TestContext, port: number, url: string): Promise<PollConnection> {
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
  socket.on('error', () => undefined);
  const poll = (): Promise<string> => {
    const before = text.length;
    socket.write(`GET ${url} HTTP/1.1\r\n${NACOS_HEADERS}\r\n`);
    return eventually('a whole answer', () => {
      if (socket.destroyed) throw new Error(`the connection was closed after ${text.slice(before)}`);
      return wholeAnswer(text.slice(before));
    });
  };
  await poll();
  return { socket, received: () => text, poll };
}

function wholeAnswer(text: string): string | undefined {
  const end = text.indexOf('\r\n\r\n');
  const length = /content-length: (\d+)/i.exec(text);
  if (end < 0 || !length) return undefined;
  return text.length >= end + 4 + Number(length[1]) ? text : undefined;
}
