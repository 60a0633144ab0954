import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import express from 'express';
import { OPEN_ACCESS } from '../../src/http/access/access.js';
import { LoopBudget } from '../../src/util/loop-budget.js';
import { metricsRoute, type Readable } from '../../src/http/metrics-route.js';
import { NO_TRAFFIC } from '../../src/http/http-observer.js';
import { eventually } from '../support/eventually.js';

test('of many that wait for metrics fifty are answered, a few in each turn, and the others told to come later', async (t) => {
  let release: (text: Buffer) => void = () => undefined;
  const rendered = new Promise<Buffer>((resolve) => (release = resolve));
  let asked = 0;
  const render = (): Promise<Buffer> => (asked++, rendered);
  // Each piece of work takes a millisecond of this clock, and a turn has room for two.
  let now = 0;
  let turns = 0;
  const share = new LoopBudget(
    () => now++,
    (resume) => void (turns++, setImmediate(resume)),
  );
  const metrics = { traffic: NO_TRAFFIC, contentType: 'text/plain', render };
  const app = express().get('/metrics', metricsRoute(metrics, OPEN_ACCESS, {} as Readable, share));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
  const answers = Array.from({ length: 60 }, () => fetch(url));
  const limited: number[] = [];
  for (const answer of answers) void answer.then(({ status }) => status !== 200 && limited.push(status));
  await eventually('ten are refused', () => limited.length === 10, 60_000);
  assert.equal(asked, 50);
  release(Buffer.from('up 1\n'));
  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 200).length, 50);
  assert.ok(statuses.every((status) => status === 200 || status === 429));
  assert.ok(turns >= 20, `${turns} turns`);
  assert.equal((await fetch(url)).status, 200, 'when they are gone there is room again');
});
