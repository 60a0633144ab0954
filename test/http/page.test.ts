import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { parseTokens } from '../../src/http/access/token.js';
import { ask, CURL, NACOS } from '../support/raw.js';
import { startServer } from '../support/server.js';

const BROWSER = [
  'Host: 127.0.0.1:8080',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64)',
  'Accept: text/html,application/xhtml+xml,*/*;q=0.8',
];

/** The names of the files that the page loads. */
function filesOf(html: string): string[] {
  return [...html.matchAll(/(?:href|src)="([^"]+\.(?:js|css|svg))"/g)].map(([, name]) => name!);
}

test('the page and its files, which browsers may keep for ever', async (t) => {
  const server = await startServer(t);
  const page = await ask(server, 'GET', '/', BROWSER);
  assert.equal(page.status, 200);
  assert.equal(page.headers.get('content-type'), 'text/html;charset=UTF-8');
  assert.equal(page.headers.get('cache-control'), 'no-cache');
  assert.ok(!/<script>|<style|style=|onload=/.test(page.body), 'nothing inline');
  const files = filesOf(page.body);
  assert.equal(files.length, 3);
  const types = new Map([
    ['js', 'text/javascript;charset=UTF-8'],
    ['css', 'text/css;charset=UTF-8'],
    ['svg', 'image/svg+xml'],
  ]);
  for (const file of files) {
    const answer = await ask(server, 'GET', `/${file}`, BROWSER);
    assert.equal(answer.status, 200, file);
    assert.equal(answer.headers.get('content-type'), types.get(file.split('.').at(-1)!));
    assert.equal(answer.headers.get('cache-control'), 'public, max-age=31536000, immutable');
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
    assert.ok(!/\bhttps?:\/\/(?!www\.w3\.org\/|\$\{)/.test(answer.body), `${file} names no other place`);
    const head = await ask(server, 'HEAD', `/${file}`, BROWSER);
    assert.deepEqual(
      [head.status, head.headers.get('content-length')],
      [200, answer.headers.get('content-length')],
    );
  }
  assert.equal((await ask(server, 'GET', '/app-000000000000.js', BROWSER)).status, 404);
});

test('the page forbids browsers everything that it does not need', async (t) => {
  const server = await startServer(t);
  const { headers } = await ask(server, 'GET', '/', BROWSER);
  const policy = headers.get('content-security-policy') ?? '';
  for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"]) {
    assert.ok(policy.split(/; ?/).includes(rule), policy);
  }
  assert.ok(!policy.includes('unsafe'));
});

test('it is sent compressed to those who take that', async (t) => {
  const server = await startServer(t);
  const plain = await ask(server, 'GET', '/', BROWSER);
  const packed = await ask(server, 'GET', '/', [...BROWSER, 'Accept-Encoding: gzip, br']);
  assert.equal(packed.headers.get('content-encoding'), 'gzip');
  assert.equal(packed.headers.get('vary'), 'Accept-Encoding');
  const body = Buffer.from(packed.bytes.slice(packed.bytes.indexOf('\r\n\r\n') + 4), 'latin1');
  assert.equal(gunzipSync(body).toString(), plain.body);
});

test('a Nacos node never gets the page as an answer, and nobody may send to it', async (t) => {
  const server = await startServer(t);
  const files = filesOf((await ask(server, 'GET', '/', BROWSER)).body).map((file) => `/${file}`);
  for (const path of ['/', ...files]) {
    const answer = await ask(server, 'GET', path, NACOS);
    assert.deepEqual([answer.status, answer.complete], [302, false], path);
    assert.match(answer.body, /a page for people; a list is at/);
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const refused = await ask(server, method, path, CURL);
      assert.deepEqual(
        [refused.status, refused.headers.get('allow')],
        [405, 'GET, HEAD'],
        `${method} ${path}`,
      );
    }
  }
});

test('no list is at a path of the page, and the page takes none from a product', async (t) => {
  const server = await startServer(t);
  await ask(server, 'POST', '/assets/app.js?self=10.0.0.1');
  assert.equal((await ask(server, 'GET', '/assets/app.js')).body, '10.0.0.1:8848\n');
});

test('with a token for reads the page asks for it', async (t) => {
  const token = 'only-for-reading-1';
  const server = await startServer(t, {
    access: { readTokens: { tokens: parseTokens(token), file: undefined } },
  });
  const refused = await ask(server, 'GET', '/', BROWSER);
  assert.equal(refused.status, 401);
  assert.match(refused.headers.get('www-authenticate') ?? '', /Basic/);
  const basic = Buffer.from(`operator:${token}`).toString('base64');
  const granted = await ask(server, 'GET', '/', [...BROWSER, `Authorization: Basic ${basic}`]);
  assert.equal(granted.status, 200);
});
