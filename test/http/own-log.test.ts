import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unterminatedForJava } from '../../src/http/transport/unterminated.js';
import { eventually } from '../support/eventually.js';
import { NacosNode, pollPath } from '../support/nodes.js';
import { ask, CURL, JSON_CLIENT, NACOS, type RawAnswer } from '../support/raw.js';
import { startServer } from '../support/server.js';
import { A, assertSays, CASES, prepared } from './no-list.js';

/** What a Java client makes of it: the text where the port of the redirect's target should be. */
function inLog(answer: RawAnswer): string {
  const location = answer.headers.get('location') ?? '';
  const [, text = ''] = /^http:\/\/nacos-address-server\.invalid:([ -~]+)$/.exec(location) ?? [];
  return text;
}

for (const one of CASES) {
  test(`the node's own log says why it has no list: ${one.name}`, async (t) => {
    const server = await prepared(t, one);
    const answer = await ask(server, 'GET', one.path, NACOS);
    assert.deepEqual([answer.status, answer.complete], [302, false], answer.bytes);
    assertSays(inLog(answer), one);

    for (const people of [CURL, JSON_CLIENT]) {
      const told = await ask(server, 'GET', one.path, people);
      // Nobody can tell who sends what is no HTTP.
      if (one.status === 400 && one.path.includes(' ')) continue;
      assert.deepEqual([told.status, told.complete], [one.status, true], told.bytes);
      assert.equal(told.headers.get('location'), undefined);
    }
  });
}

test('whoever else may be a Nacos gets no redirect', async (t) => {
  const server = await startServer(t, { rules: { pollHold: 30 } });
  for (const agent of [
    'Nacos-Server',
    'Go-http-client/1.1',
    'Apache-HttpClient/4.5.14 (Java/17)',
    'Java-http-client/17.0.15',
  ]) {
    const answer = await ask(server, 'GET', pollPath(A, '&expect=3'), ['Host: h', `User-Agent: ${agent}`]);
    assert.deepEqual(
      [answer.status, answer.complete, answer.headers.get('location')],
      [503, false, undefined],
    );
  }
});

test('held nodes are told that the server stops', async (t) => {
  const server = await startServer(t, { rules: { pollHold: 2_000 } });
  const held = new NacosNode(t, server, pollPath(A, '&expect=3')).poll();
  await eventually('it waits', () => server.service.find('nacos/serverlist')?.cluster.waiting.size === 1);
  const [answer] = await Promise.all([held, server.stop()]);
  assert.match(inLog(answer), /^nacos-address-server says: .+/);
});

test('a reason is a header of bounded length that never makes a port or another host', () => {
  for (const sentence of [
    '8848',
    '@evil.example:80',
    '1\r\nSet-Cookie: a=b',
    '/'.repeat(5_000),
    'é…’\u2028\x7f\t',
  ]) {
    const text = unterminatedForJava(sentence).toString('latin1');
    const [location = ''] = /^Location: .*$/m.exec(text) ?? [];
    assert.match(location, /^Location: http:\/\/nacos-address-server\.invalid:[a-z][ -~]{1,650}\r?$/);
    assert.doesNotMatch(location.slice('Location: http://'.length), /[/\\?#@[\]]/);
    assert.doesNotMatch(text.slice(0, text.indexOf('\r\n\r\n')), /^Set-Cookie/m);
    assert.throws(() => new URL(location.slice('Location: '.length)), /Invalid URL/);
  }
});
