import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { StoreBusy, StoreOutcomeUnknown } from '../../src/registry/interfaces.js';
import { eventually, NEVER } from '../support/eventually.js';
import { FlakyStore } from '../support/flaky-store.js';
import { lines, NacosNode, pollPath } from '../support/nodes.js';
import { ask, type RawAnswer } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';

/*
 * A poll is held until its address is listed. Whatever else may become of what it waits for, it must not be forgotten: no poll
 * here may take as long as its hold.
 */

const [A, B] = ['127.0.0.11:8848', '127.0.0.12:8848'] as const;

interface Flaky {
  readonly server: TestServer;
  readonly store: FlakyStore;
  poll(self: string): Promise<RawAnswer>;
  isWaiting(self: string): boolean;
}

async function start(t: TestContext): Promise<Flaky> {
  let store: FlakyStore | undefined;
  const server = await startServer(t, {
    rules: { pollHold: 2 * NEVER },
    wrap: (real) => (store = new FlakyStore(real)),
  });
  return {
    server,
    store: store!,
    poll: (self) => new NacosNode(t, server, pollPath(self, '&expect=2')).poll(),
    isWaiting: (self) => server.service.find('nacos/serverlist')?.cluster.waiting.has(self) === true,
  };
}

async function held(server: TestServer): Promise<number> {
  const { body } = await ask(server, 'GET', '/metrics');
  return Number(/^address_server_held_requests (\d+)$/m.exec(body)?.[1]);
}

/** Fails long before the hold is over. */
async function inTime(...polls: Promise<RawAnswer>[]): Promise<void> {
  let answers: RawAnswer[] | undefined;
  void Promise.all(polls).then((all) => (answers = all));
  const all = await eventually('they are answered', () => answers, NEVER / 4);
  for (const answer of all) assert.deepEqual([answer.status, lines(answer.body)], [200, [A, B]]);
}

test('who is held while nobody could hear for a while goes on waiting', async (t) => {
  const { server, poll, isWaiting } = await start(t);
  const first = poll(A);
  await eventually('A waits', () => isWaiting(A));
  // What every server does that finds it, and the first after a start: who waited is not known to wait still.
  await server.service.resume();
  await eventually('A waits again', () => isWaiting(A), NEVER / 4);
  await inTime(first, poll(B));
});

test('who waits on two connections goes on waiting when one of them ends', async (t) => {
  const { server, poll, isWaiting } = await start(t);
  const gone = new NacosNode(t, server, pollPath(A, '&expect=2'));
  void gone.poll().catch(() => undefined);
  await eventually('A waits', () => isWaiting(A));
  const first = poll(A);
  await eventually('both are held', async () => (await held(server)) === 2);
  gone.die();
  await eventually('one is held', async () => (await held(server)) === 1);
  await eventually('A waits', () => isWaiting(A), NEVER / 4);
  await inTime(first, poll(B));
});

test('a decision that others kept from being made is asked for again while its poll is held', async (t) => {
  const { store, poll, isWaiting } = await start(t);
  const first = poll(A);
  await eventually('A waits', () => isWaiting(A));
  store.failOnce(new StoreBusy('could not serialize access'));
  store.failOnce(new StoreBusy('could not serialize access'));
  await inTime(first, poll(B));
});

test('a decision of unknown outcome that was made, or was not, is no reason to let a poll wait', async (t) => {
  for (const isMade of [true, false]) {
    const { server, store, poll, isWaiting } = await start(t);
    const first = poll(A);
    await eventually('A waits', () => isWaiting(A));
    store.failOnce(new StoreOutcomeUnknown('no answer to COMMIT came'), isMade);
    const second = poll(B);
    await eventually('the store is looked at', () => server.service.health().outage !== undefined);
    await server.service.sync();
    await inTime(first, second);
  }
});

test('a store that is away for a while: who is held meanwhile is listed when it is back', async (t) => {
  const { server, store, poll, isWaiting } = await start(t);
  const first = poll(A);
  await eventually('A waits', () => isWaiting(A));
  store.become('failing');
  const second = poll(B);
  await eventually('the store is away', () => server.service.health().outage !== undefined);
  store.become('up');
  await server.service.sync();
  await inTime(first, second);
});
