import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { ROOT } from '../docs/documents.js';
import { jdks } from '../support/jdks.js';
import { pollPath } from '../support/nodes.js';
import { startServer } from '../support/server.js';
import { A, assertSays, CASES, prepared } from './no-list.js';

/*
 * The redirect that makes a node's own log say why it has no list leads nowhere: not for Java's own HTTP client, by which
 * every Nacos polls, of each JDK of this machine, directly or by a proxy; nor for curl.
 */

const run = promisify(execFile);

interface Polled {
  /** Each URL that the client was about to connect to, or to ask a proxy for. */
  readonly asked: readonly string[];
  /** What came of each poll. */
  readonly results: readonly string[];
}

/** Polls by Java's own HTTP client: each URL directly, and then each through a proxy that is set for the whole JVM. */
async function poll(java: string, urls: readonly string[], proxyPort: number): Promise<Polled> {
  const quick = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
  const program = join(ROOT, 'test/http/java/Poll.java');
  const { stdout } = await run(java, [...quick, program, String(proxyPort), ...urls]);
  const lines = stdout.trimEnd().split('\n');
  const asked = lines.filter((line) => line.startsWith('asked ')).map((line) => line.slice('asked '.length));
  return { asked, results: lines.filter((line) => !line.startsWith('asked ')) };
}

/** An HTTP proxy that passes requests on to servers of this machine, and knows which it was asked for. */
async function openProxy(t: TestContext): Promise<{ port: number; requests: string[] }> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    sockets.add(client);
    client.on('error', () => undefined);
    client.once('data', (head) => {
      const [line = ''] = head.toString('latin1').split('\r\n');
      requests.push(line);
      const port = Number(/^GET http:\/\/127\.0\.0\.1:(\d+)\//.exec(line)?.[1]);
      if (!port) return client.destroy();
      const upstream = connect(port, '127.0.0.1', () => upstream.write(head));
      sockets.add(upstream);
      upstream.on('error', () => client.destroy());
      upstream.pipe(client).pipe(upstream);
    });
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.after(() => {
    proxy.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (proxy.address() as AddressInfo).port, requests };
}

const found = jdks();
const skip = found.length === 0 && process.env.NACOS_TESTS !== 'required' && 'no JDK is on this machine';

test('there is a JDK', { skip }, () => assert.ok(found.length > 0, 'no JDK is on this machine'));

for (const java of found) {
  test(`Java's own client reports each reason, and turns to nobody else: ${java}`, async (t) => {
    const servers = await Promise.all(CASES.map((one) => prepared(t, one)));
    const urls = CASES.map(({ path }, i) => `${servers[i]?.url}${path}`);
    const proxy = await openProxy(t);
    const { asked, results } = await poll(java, urls, proxy.port);
    // Each once, and nobody else. Java writes a space as one only when it sends it.
    const expected = urls.map((url) => url.replaceAll(' ', '%20'));
    assert.deepEqual(asked, [...expected, ...expected]);
    assert.equal(results.length, 2 * CASES.length);
    for (const [i, result] of results.entries()) {
      assert.match(result, /^threw java\.net\.MalformedURLException /);
      assertSays(result, CASES[i % CASES.length]!);
    }
    assert.deepEqual(
      proxy.requests.map((line) => line.replace(/ HTTP\/1\.1$/, '')),
      urls.map((url) => `GET ${url}`),
    );
  });
}

test('curl that follows redirects as a Java client turns to nobody else', async (t) => {
  const server = await startServer(t, { rules: { pollHold: 30 } });
  const proxy = await openProxy(t);
  const url = `${server.url}${pollPath(A, '&expect=3')}`;
  for (const through of [[], ['--noproxy', '', '-x', `http://127.0.0.1:${proxy.port}`]]) {
    const asJava = ['-sS', '-L', '-A', 'Java/17.0.15', '-w', '%{url_effective}'];
    await assert.rejects(
      run('curl', [...asJava, ...through, url]),
      (error: { code: number; stdout: string }) => {
        // The URL cannot be read (3), or the body has no end (18).
        assert.ok([3, 18].includes(error.code), String(error.code));
        assert.ok(error.stdout.endsWith(url), error.stdout);
        return true;
      },
    );
  }
  assert.deepEqual(proxy.requests, [`GET ${url} HTTP/1.1`]);
});
