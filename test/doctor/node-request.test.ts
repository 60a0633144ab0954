import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { TooLarge } from '../../src/util/bounded-text.js';
import { AnswerReader, askNode, type NodePlace, type NodeRequest } from '../../src/doctor/node-request.js';

const NOON = 'Tue, 01 Dec 2026 12:00:00 GMT';

/** What a Tomcat, a node:http and others write of the same answer. */
const FORMS: Readonly<Record<string, string>> = {
  sized: `HTTP/1.1 200 OK\r\nDate: ${NOON}\r\nContent-Length: 7\r\n\r\nétés.`,
  chunked: `HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\nDate:${NOON}\r\n\r\n3;x=y\r\nét\r\n4\r\nés.\r\n0\r\nMore: yes\r\n\r\n`,
  'after one that says to go on': `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ndate: ${NOON}\r\ncontent-length: 7\r\n\r\nétés.`,
};

describe('an answer of a node', () => {
  for (const [form, text] of Object.entries(FORMS)) {
    it(`is read ${form}, however it is cut, and no further`, () => {
      const bytes = Buffer.from(`${text}HTTP/1.1 404`);
      const end = bytes.length - 'HTTP/1.1 404'.length;
      for (let cut = 1; cut < bytes.length; cut++) {
        const reader = new AnswerReader(7);
        const first = reader.take(bytes.subarray(0, cut), 0);
        const second = reader.isWhole ? first : cut + reader.take(bytes.subarray(cut), 0);
        assert.deepEqual([reader.isWhole, second], [true, end], `cut at ${cut}`);
        assert.deepEqual(reader.answer(), { status: 200, date: NOON, text: 'étés.' });
      }
      assert.throws(() => new AnswerReader(6).take(bytes, 0), TooLarge);
    });
  }

  it('without a size is read to the end of the connection', () => {
    const reader = new AnswerReader(3);
    reader.take(Buffer.from('HTTP/1.0 200 OK\r\n\r\nab'), 0);
    reader.take(Buffer.from('c'), 0);
    assert.deepEqual([reader.isWhole, reader.isLast, reader.endsWithConnection], [false, true, true]);
    assert.equal(reader.answer().text, 'abc');
    assert.throws(() => reader.take(Buffer.from('d'), 0), TooLarge);
  });

  it('may be refused as no HTTP', () => {
    const refused = [
      'SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n',
      'HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
      'x'.repeat(20_000),
    ];
    for (const text of refused)
      assert.throws(() => new AnswerReader(100).take(Buffer.from(text), 0), /is not HTTP/, text.slice(0, 60));
  });
});

async function node(t: TestContext, onRequest: (socket: Socket, text: string) => void): Promise<NodePlace> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => onRequest(socket, bytes.toString()));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { host: '127.0.0.1', port, called: `localhost:${port}` };
}

const get = (path: string): NodeRequest => ({ method: 'GET', path, headers: { 'x-one': '1' }, largest: 100 });
const answer = (text: string, more = ''): string =>
  `HTTP/1.1 200 OK\r\n${more}content-length: ${text.length}\r\n\r\n${text}`;
const { signal } = new AbortController();

describe('a node is asked', () => {
  it('everything at once on one connection, with what it is given', async (t) => {
    const heard: string[] = [];
    const place = await node(t, (socket, text) => {
      heard.push(text);
      socket.write(answer('one') + answer('two'));
    });
    const post = { ...get('/b'), method: 'POST', body: 'é' };
    const answers = await askNode(place, [get('/a?b=c'), post], signal);
    assert.deepEqual(
      answers.map(({ text }) => text),
      ['one', 'two'],
    );
    assert.equal(
      heard.join(''),
      `GET /a?b=c HTTP/1.1\r\nhost: ${place.called}\r\nx-one: 1\r\nconnection: keep-alive\r\n\r\n` +
        `POST /b HTTP/1.1\r\nhost: ${place.called}\r\nx-one: 1\r\ncontent-length: 2\r\nconnection: close\r\n\r\né`,
    );
  });

  it('and may end the connection after its first answer', async (t) => {
    for (const first of [answer('one', 'Connection: close\r\n'), answer('one')]) {
      const place = await node(t, (socket) => socket.end(first));
      const answers = await askNode(place, [get('/a'), get('/b')], signal);
      assert.deepEqual(
        answers.map(({ text }) => text),
        ['one'],
      );
    }
  });

  it('and says why there is no answer', async (t) => {
    const cut = await node(t, (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab'));
    await assert.rejects(askNode(cut, [get('/')], signal), /the connection ended before the answer did/);
    const large = await node(t, (socket) => socket.write(answer('one') + answer('x'.repeat(101))));
    await assert.rejects(askNode(large, [get('/'), get('/')], signal), TooLarge);
    await assert.rejects(
      askNode({ ...cut, port: 1 }, [get('/')], signal),
      /connect ECONNREFUSED 127\.0\.0\.1:1/,
    );
    const limit = new AbortController();
    const silent = await node(t, () => limit.abort(new Error('enough')));
    await assert.rejects(askNode(silent, [get('/')], limit.signal), /enough/);
  });
});
