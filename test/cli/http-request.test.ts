import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RegistryClient } from '../../src/agent/registry-client.js';
import { Client } from '../../src/cli/client.js';
import { readSource } from '../../src/cli/import/source.js';
import { readNode } from '../../src/doctor/nacos-api.js';
import { httpRequest, requestFailure } from '../../src/util/http-request.js';
import { TooLarge, boundedText } from '../../src/util/bounded-text.js';

const HEALTHCHECK = fileURLToPath(new URL('../../src/healthcheck.js', import.meta.url));

/** Of the ports that fetch refuses, some that a server may have without rights. */
const REFUSED = [6666, 10_080, 6000, 6697, 6667, 6668, 6669, 5060, 5061, 4190, 6679, 6566, 2049, 4045];

/** Listens on the first of some ports that is free, and ends with the test. */
async function listen(
  t: TestContext,
  answer: RequestListener,
  ports: readonly number[] = [0],
): Promise<string> {
  for (const port of ports) {
    const server = createServer(answer).listen(port, '127.0.0.1');
    const isFree = await Promise.race([
      once(server, 'listening').then(() => true),
      once(server, 'error').then(() => false),
    ]).catch(() => false);
    if (!isFree) continue;
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  throw new Error(`none of the ports is free: ${ports.join(', ')}`);
}

describe('a port that fetch refuses', { concurrency: false }, () => {
  const A = '127.0.0.1:8848';
  const answers: RequestListener = (request, response) => {
    response.setHeader('address-server-revision', '1');
    if (request.url?.startsWith('/nacos/v1/core'))
      return void response.end(JSON.stringify({ data: [{ address: A }] }));
    if (request.url?.startsWith('/api')) return void response.end('{"members":[]}');
    response.setHeader('content-type', 'text/plain');
    response.end(`${A}\n`);
  };

  test('is asked by commands, agent, import and doctor', async (t) => {
    const url = await listen(t, answers, REFUSED);
    await assert.rejects(
      fetch(url),
      ({ cause }: Error) => /bad port/.test(String(cause)),
      'it is such a port',
    );
    assert.deepEqual(await new Client(new URL(`${url}/`), undefined).getJson('/api/v1/clusters'), {
      members: [],
    });
    const speaker = {
      servers: [new URL(`${url}/`)],
      cluster: 'nacos/serverlist',
      self: A,
      token: () => undefined,
    };
    const beat = await new RegistryClient(speaker).beat(
      { revision: 0, wait: 0 },
      new AbortController().signal,
    );
    assert.deepEqual(beat, { type: 'list', list: { addresses: [A], revision: 1 }, isHeld: true });
    assert.equal(await readSource(`${url}/nacos/serverlist`), `${A}\n`);
    const address = new URL(url).host;
    const reading = await readNode(address, { timeout: 3_000 });
    assert.deepEqual('members' in reading && reading.members, [A], JSON.stringify(reading));
    const healthcheck = spawn(process.execPath, [HEALTHCHECK], {
      env: { HOST: '127.0.0.1', PORT: new URL(url).port },
      stdio: 'ignore',
    });
    assert.deepEqual(await once(healthcheck, 'exit'), [0, null]);
  });
});

describe('a request', () => {
  test('sends what it is given, and goes nowhere else', async (t) => {
    const asked: unknown[] = [];
    const url = await listen(t, (request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        asked.push([request.method, request.url, request.headers['x-one'], body]);
        response.writeHead(302, { location: '/elsewhere' }).end('moved');
      });
    });
    const answer = await httpRequest(`${url}/a?b=c`, {
      method: 'POST',
      headers: { 'x-one': '1' },
      body: 'hello',
    });
    assert.deepEqual([answer.status, answer.headers.get('Location')], [302, '/elsewhere']);
    assert.equal(await boundedText(answer, 100), 'moved');
    assert.deepEqual(asked, [['POST', '/a?b=c', '1', 'hello']]);
  });

  test('says why it failed', async (t) => {
    const closed = await listen(t, (request) => request.socket.destroy());
    await assert.rejects(httpRequest(closed), (error) => /socket hang up/.test(requestFailure(error)));
    await assert.rejects(httpRequest('http://127.0.0.1:1/'), (error) =>
      /ECONNREFUSED 127\.0\.0\.1:1/.test(requestFailure(error)),
    );
    // A name with two addresses: one error for each, and none of all.
    const both = new AggregateError([
      new Error('connect ECONNREFUSED ::1:1'),
      new Error('connect ECONNREFUSED 127.0.0.1:1'),
    ]);
    assert.equal(requestFailure(both), 'connect ECONNREFUSED ::1:1; connect ECONNREFUSED 127.0.0.1:1');
  });

  test('tells an answer that is cut off from a whole one', async (t) => {
    const url = await listen(t, (_, response) => {
      response.write('half');
      setImmediate(() => response.destroy());
    });
    const read = async (): Promise<string> => boundedText(await httpRequest(url), 100);
    await assert.rejects(read(), (error) =>
      /the connection ended before the answer did|socket hang up/.test(requestFailure(error)),
    );
  });

  test('ends with its signal’s reason, before the answer and within it', async (t) => {
    const silent = new AbortController();
    const talking = new AbortController();
    const reason = new Error('enough');
    const url = await listen(t, (request, response) => {
      if (request.url === '/body') response.write('half');
      else silent.abort(reason);
    });
    await assert.rejects(httpRequest(url, silent), (error) => error === reason);
    const answer = await httpRequest(`${url}/body`, talking);
    const reading = boundedText(answer, 100);
    talking.abort(reason);
    await assert.rejects(reading, (error) => error === reason);
    await assert.rejects(httpRequest(url, talking), (error) => error === reason, 'it is over already');
  });

  test('reads no further than it is told, and hangs up', async (t) => {
    let hungUp: Promise<unknown> | undefined;
    const url = await listen(t, (request, response) => {
      hungUp = once(request.socket, 'close');
      response.write('x'.repeat(1_000));
    });
    await assert.rejects(async () => boundedText(await httpRequest(url), 100), TooLarge);
    await hungUp;
  });
});
