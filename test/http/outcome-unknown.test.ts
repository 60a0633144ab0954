import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreOutcomeUnknown, StoreUnavailable } from '../../src/registry/interfaces.js';
import { eventually } from '../support/eventually.js';
import { FlakyStore } from '../support/flaky-store.js';
import { startServer } from '../support/server.js';

const A = '127.0.0.11:8848';
const B = '127.0.0.12:8848';

test('what the store does not confirm in time is said to be unknown everywhere, and made when it comes back', async (t) => {
  let store: FlakyStore | undefined;
  const server = await startServer(t, { wrap: (real) => (store = new FlakyStore(real)) });
  const { url, service } = server;
  assert.equal((await fetch(`${url}/nacos/v1/as/nodes?ips=${A},${B}`, { method: 'POST' })).status, 200);
  store?.become('hanging');
  const ask = async (method: string, path: string): Promise<[number, string]> => {
    const answer = await fetch(url + path, { method, headers: { 'user-agent': 'curl/8' } });
    return [answer.status, await answer.text()];
  };
  // All at once: the first that is given up says that the store is away, and the others would not get that far.
  const answers = await Promise.all([
    ask('DELETE', `/nacos/serverlist?self=${A}`),
    ask('POST', '/nacos/v1/as/nodes?ips=127.0.0.13'),
    ask('DELETE', `/api/v1/clusters/nacos/serverlist/members/${B}?force=true`),
  ]);
  for (const [status, text] of answers) {
    assert.equal(status, 503);
    assert.match(
      text,
      /it is not known whether the change was made: .*look at the list and its history before/,
    );
    assert.doesNotMatch(text, /nothing was changed|was not taken off/);
  }
  // From here on it is known that nothing is asked of it.
  const [status, text] = await ask('DELETE', `/nacos/serverlist?self=${B}`);
  assert.equal(status, 503);
  assert.match(text, /was not taken off nacos\/serverlist: the store is unavailable/);
  store?.become('up');
  await eventually(
    'the leave is made after all',
    () => {
      return service.find('nacos/serverlist')?.cluster.members.has(A) === false;
    },
    60_000,
  );
});

test('an unknown outcome is a failure of the store, and no other is one', () => {
  assert.ok(new StoreOutcomeUnknown('x') instanceof StoreUnavailable);
  assert.ok(!(new StoreUnavailable('x') instanceof StoreOutcomeUnknown));
});
