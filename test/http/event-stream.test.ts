import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { EventStream } from '../../src/http/api/event-stream.js';
import { eventually } from '../support/eventually.js';
import { request } from '../support/raw.js';

const PIECE = 'x'.repeat(64 << 10);

interface Open {
  readonly stream: EventStream;
  readonly response: ServerResponse;
  readonly reader: Socket;
  /** What it has read. */
  readonly read: () => string;
}

/** A stream, and a reader that has not read anything yet. */
async function open(t: TestContext, commentEvery?: number): Promise<Open> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const reader = connect((server.address() as AddressInfo).port, '127.0.0.1');
  t.after(() => reader.destroy());
  reader.on('error', () => undefined);
  const chunks: Buffer[] = [];
  reader.on('data', (chunk) => void chunks.push(chunk)).pause();
  const asked = once(server, 'request') as Promise<[unknown, ServerResponse]>;
  reader.write(request('GET', '/'));
  const [, response] = await asked;
  const stream = new EventStream(response, commentEvery);
  return { stream, response, reader, read: () => Buffer.concat(chunks).toString() };
}

/** Sends until the reader is cut off, or so many pieces. Returns how many were sent. */
async function fill({ stream, response }: Open, most: number): Promise<number> {
  for (let sent = 0; sent < most; sent++) {
    if (response.destroyed) return sent;
    stream.send('clusters', PIECE);
    // What the system takes of it does not count as unsent.
    await new Promise(setImmediate);
  }
  return most;
}

describe('a stream of events', () => {
  it('cuts off who leaves more than 4 MB unsent', async (t) => {
    const opened = await open(t);
    // The system's own buffers take some more.
    const sent = await fill(opened, 1_000);
    assert.ok(opened.response.destroyed);
    assert.ok(sent > 64 && sent < 300, `after ${sent} pieces of 64 KiB`);
    opened.reader.resume();
    await eventually('the reader sees it', () => opened.reader.closed);
  });

  it('waits for who reads on', async (t) => {
    const opened = await open(t);
    opened.reader.resume();
    assert.equal(await fill(opened, 300), 300);
    assert.ok(!opened.response.destroyed);
  });

  it('gives time for a snapshot that is larger than that', async (t) => {
    const opened = await open(t);
    const { stream, response, reader } = opened;
    stream.sendLarge('snapshot', 'x'.repeat(16 << 20));
    stream.send('clusters', PIECE);
    assert.ok(!response.destroyed);
    reader.resume();
    await stream.drained();
    reader.pause();
    const sent = await fill(opened, 1_000);
    assert.ok(response.destroyed && sent < 300, `then it counts as ever: ${sent} pieces`);
  });

  it('says that a reader needs time, and when it is ready again', async (t) => {
    const { stream, reader } = await open(t);
    assert.equal(stream.send('events', 'x'.repeat(16 << 20)), false);
    let isReady = false;
    const ready = stream.drained().then(() => (isReady = true));
    await new Promise(setImmediate);
    assert.equal(isReady, false);
    reader.resume();
    await ready;
    await stream.drained();
  });

  it('forgets to wait for a reader that is gone', async (t) => {
    const { stream, reader } = await open(t);
    stream.send('events', 'x'.repeat(16 << 20));
    const ready = stream.drained();
    reader.destroy();
    await ready;
    assert.equal(stream.send('events', '1'), false);
  });

  it('sends comments while nothing happens, and ends as HTTP does', async (t) => {
    const { stream, reader, read } = await open(t, 20);
    reader.resume();
    stream.send('events', '{}', '105~98-101');
    await eventually('a comment', () => read().includes(': still here'));
    stream.end();
    await eventually('the last chunk', () => read().endsWith('\r\n0\r\n\r\n'));
    const text = read().replace(/^[^]*?\r\n\r\n|[0-9a-f]+\r\n|\r\n/g, '');
    assert.match(text, /^retry: 2000\n\nid: 105~98-101\nevent: events\ndata: \{\}\n\n(: still here\n\n)+0?$/);
  });
});
