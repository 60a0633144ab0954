import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { ClientError } from '../../src/cli/client-error.js';
import { Client } from '../../src/cli/client.js';
import { readStream, type Said } from '../../src/cli/stream.js';

/*
 * What a network does to a stream, which the real server would not do when asked. With the real one: test/process.
 */

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers one connection after the other as the test says; the last one answers all that follow. */
async function serve(t: TestContext, ...handlers: readonly Handler[]): Promise<Client> {
  let connections = 0;
  const server = createServer((request, response) => {
    handlers[Math.min(connections++, handlers.length - 1)]?.(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return new Client(new URL(`http://127.0.0.1:${port}/`), undefined);
}

const TIMES = { silence: 10_000, firstRetry: 20, longestRetry: 60 };

/** Reads so many things that the stream says. */
async function take(client: Client, count: number, times = TIMES): Promise<Said[]> {
  const said: Said[] = [];
  for await (const one of readStream(client, new URLSearchParams({ after: '1' }), times)) {
    said.push(one);
    if (said.length === count) break;
  }
  return said;
}

const begin: Handler = (_, response) => {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
};

function send(...parts: readonly string[]): Handler {
  return (request, response) => {
    begin(request, response);
    for (const part of parts) response.write(part);
  };
}

test('a message that was cut off is not taken for one, and the next connection goes on after the last whole one', async (t) => {
  const asked: unknown[] = [];
  const client = await serve(
    t,
    (request, response) => {
      asked.push(request.headers['last-event-id'], request.url);
      send('id: 7~3\nevent: events\ndata: {"a":1}\n\n', 'id: 8\nevent: events\ndata: {"b":2}')(
        request,
        response,
      );
      setImmediate(() => response.destroy());
    },
    (request, response) => {
      asked.push(request.headers['last-event-id'], request.url);
      send('event: events\ndata: {"b":2}\n\n')(request, response);
    },
  );
  const [first, message, lost, second, next] = await take(client, 5);
  assert.deepEqual([first, second], [{ type: 'connected' }, { type: 'connected' }]);
  assert.deepEqual(message, { type: 'message', event: 'events', data: { a: 1 } });
  assert.ok(lost?.type === 'lost');
  assert.match(lost.reason, /^the connection to http:\/\/127\.0\.0\.1:\d+ was lost \(/);
  assert.deepEqual(next, { type: 'message', event: 'events', data: { b: 2 } });
  const url = '/api/v1/stream?after=1';
  assert.deepEqual(asked, [undefined, url, '7~3', url]);
});

test('pauses grow up to the longest, and begin anew with a connection that says something', async (t) => {
  const refuse: Handler = (_, response) => {
    response.writeHead(503, { 'Content-Type': 'text/plain' }).end('busy');
  };
  const end: Handler = (request, response) => {
    send('retry: 10\n\n')(request, response);
    response.end();
  };
  const client = await serve(t, end, refuse, refuse, refuse, refuse, end);
  const lost = (await take(client, 8)).flatMap((said) => (said.type === 'lost' ? [said] : []));
  assert.match(lost[0]!.reason, /ended the stream$/);
  assert.match(lost[1]!.reason, /answers 503: busy$/);
  // Each up to a fifth longer, so that not everybody comes back at once.
  const least = [10, 20, 40, 60, 60, 10];
  lost.forEach(({ retryMs }, index) => {
    assert.ok(retryMs >= least[index]! && retryMs <= least[index]! * 1.2, `${index}: ${retryMs}`);
  });
  assert.equal(lost.length, least.length);
});

test('a connection on which nothing comes is given up', async (t) => {
  const client = await serve(t, send('retry: 10\n\n', ': still here\n\n'));
  const said = await take(client, 3, { ...TIMES, silence: 200 });
  assert.ok(said[1]?.type === 'lost');
  assert.match(said[1].reason, /has sent nothing for 0\.2 s$/);
  assert.deepEqual(said[2], { type: 'connected' });
});

test('the first connection must succeed, and another token needs somebody', async (t) => {
  const refused =
    (status: number): Handler =>
    (_, response) => {
      response
        .writeHead(status, { 'Content-Type': 'application/problem+json' })
        .end('{"detail":"a token is needed"}');
    };
  await assert.rejects(take(await serve(t, refused(503)), 1), /answers 503: a token is needed/);
  for (const status of [401, 403]) {
    const client = await serve(
      t,
      (request, response) => {
        begin(request, response);
        response.end();
      },
      refused(status),
    );
    await assert.rejects(take(client, 9), (error) => {
      assert.ok(error instanceof ClientError);
      assert.match(
        error.message,
        new RegExp(`answers ${status}: a token is needed \\(give one in the variable ADDRESS_SERVER_TOKEN`),
      );
      return true;
    });
  }
});

test('what is no stream is said', async (t) => {
  const client = await serve(t, (_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>');
  });
  await assert.rejects(take(client, 1), /answers, but is not an address server/);
});
