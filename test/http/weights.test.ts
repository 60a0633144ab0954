import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RateLimit } from '../../src/http/access/rate-limit.js';
import { ask, CURL } from '../support/raw.js';
import { startServer } from '../support/server.js';

const OFFICIAL = '/nacos/v1/as/nodes';

const FORM = [...CURL, 'Content-Type: application/x-www-form-urlencoded'];

const addresses = (count: number): string =>
  Array.from({ length: count }, (_, i) => `10.1.${i >> 8}.${i & 255}`).join(',');

const put = (server: { port: number }, cluster: string, ips: string) =>
  ask(server, 'POST', OFFICIAL, FORM, `cluster=${cluster}&ips=${ips}`);

test('what takes many tokens waits for them, and for a full bucket when it takes more than that', () => {
  let at = 0;
  const rate = new RateLimit({ burst: 10, perSecond: 1, now: () => at });
  assert.equal(rate.take('a', 8), 0);
  assert.equal(rate.take('a', 3), 1_000);
  assert.equal(rate.take('a', 2), 0);
  assert.equal(rate.take('b', 25), 0, 'more than a bucket holds, of a full one');
  assert.equal(rate.take('b'), 16_000, 'and what it took too much is owed');
  at += 16_000;
  assert.equal(rate.take('b'), 0);
  assert.equal(rate.take('b', 25), 10_000);
});

test('a change counts for as many as it names addresses', async (t) => {
  const server = await startServer(t, { access: { writeRateLimit: 1, now: () => 0 } });
  assert.equal((await put(server, 'a', addresses(20))).status, 200);
  const refused = await put(server, 'b', '10.0.0.1');
  assert.equal(refused.status, 429, refused.body);
  assert.match(refused.body, /too many changes come from 127\.0\.0\.1 \(WRITE_RATE_LIMIT\)/);
  assert.equal(server.service.find('nacos/b'), undefined);
});

test('more addresses than a cluster takes are refused before they are read', async (t) => {
  const server = await startServer(t);
  const many = Array.from({ length: 1_001 }, () => 'x:1').join(',');
  for (const method of ['POST', 'DELETE']) {
    await put(server, 'a', '10.0.0.1');
    const answer = await ask(server, method, `${OFFICIAL}?cluster=a`, FORM, `ips=${many}`);
    assert.equal(answer.status, 400);
    assert.match(answer.body, /ips names 1001 addresses, and a cluster takes 1000/);
  }
  assert.deepEqual([...(server.service.find('nacos/a')?.cluster.members.keys() ?? [])], ['10.0.0.1:8848']);
});
