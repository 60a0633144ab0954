import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import { LATE_POLL, LIST_CURRENT, SILENT_UNTOLD } from '../../src/registry/rules.js';
import type { PollAnswer } from '../../src/runtime/registry-service.js';
import { bootstrapCluster, lines, live, NacosNode, pollPath } from '../support/nodes.js';
import { ask, CURL, NACOS, type RawAnswer } from '../support/raw.js';
import { startServer } from '../support/server.js';
import { SharedStore } from '../support/shared-store.js';

const [P, Q, R, W] = ['127.0.3.1:8848', '127.0.3.2:8848', '127.0.3.3:8848', '127.0.3.4:8848'] as const;

/** A server beside another one, and what is asked of it. */
async function setUp(t: TestContext) {
  let store: SharedStore | undefined;
  const server = await startServer(t, { wrap: (real) => (store = new SharedStore(real)) });
  const nodes = await bootstrapCluster(t, server, [P, Q, R]);
  await server.service.sync();
  const shared = store!;
  const goDown = async (): Promise<void> => {
    shared.isDown = true;
    await server.service.sync();
  };
  const comeBack = async (): Promise<void> => {
    shared.isDown = false;
    await server.service.sync();
  };
  const entry = () => server.service.find('nacos/serverlist')!;
  return { server, store: shared, nodes, goDown, comeBack, entry };
}

/** A poll on a connection of its own. */
const anew = (server: { port: number }, self: string): Promise<RawAnswer> =>
  ask(server, 'GET', pollPath(self), NACOS);

function assertList({ status, complete, body }: RawAnswer, list: readonly string[]): void {
  assert.deepEqual([status, complete, lines(body)], [200, true, list]);
}

function assertRefused({ status, complete, body }: RawAnswer, sentence = /the store is unavailable/): void {
  assert.deepEqual([status, complete], [302, false], body);
  assert.match(body, sentence);
}

describe('a server that stood still beside another one', () => {
  it('decides nothing on what may have waited in a socket meanwhile: its sender may be gone', async (t) => {
    const { server, nodes, entry } = await setUp(t);
    await live(server, nodes.slice(0, 2), 20_000);
    assert.equal(entry().cluster.members.get(R)?.presence, 'silent');
    const heardAt = (address: string) => entry().cluster.members.get(address)!.lease.heardAt;
    const before = server.service.now;
    const poll = (address: string): Promise<PollAnswer> =>
      server.service.poll(
        { product: 'nacos', name: 'serverlist' },
        { address, source: 'poll', openedAt: server.service.monotonic },
        10,
        new AbortController().signal,
      );
    const assertUndecided = async (): Promise<void> => {
      for (const address of [R, W]) {
        assert.match(JSON.stringify(await poll(address)), /stood still until just now/);
      }
      assert.equal((await poll(P)).type, 'list');
      assert.ok(heardAt(P) <= before);
    };
    server.time.pass(60_000);
    await assertUndecided();
    await server.service.tick();
    await assertUndecided();
    server.time.pass(250);
    await server.service.tick();
    assert.equal((await poll(P)).type, 'list');
    assert.ok(heardAt(P) > before);
    for (const address of [R, W]) assert.equal((await poll(address)).type, 'list');
  });
});

describe('a server that is cut off from the store and from the others', () => {
  it('sends its list for as long as they wait for it, and then only to who was sent it last', async (t) => {
    const { server, nodes, goDown, comeBack, entry } = await setUp(t);
    const [p] = nodes as [NacosNode];
    await goDown();
    await live(server, nodes, LIST_CURRENT - 5_000);
    for (const self of [P, Q, R]) assertList(await anew(server, self), [P, Q, R]);
    assertList(await ask(server, 'GET', '/nacos/serverlist', NACOS), [P, Q, R]);
    assert.equal((await ask(server, 'GET', '/readyz')).status, 200);

    await live(server, nodes, 5_000);
    assertList(await p.poll(), [P, Q, R]);
    assertRefused(await anew(server, P), /may have changed elsewhere/);
    assertRefused(await ask(server, 'GET', '/nacos/serverlist', NACOS), /may have changed elsewhere/);
    assertList(await ask(server, 'GET', '/nacos/serverlist', CURL), [P, Q, R]);
    assert.equal(server.service.listFor(entry(), P), undefined);
    const sent = { cluster: entry().cluster, at: performance.now() };
    assert.equal(server.service.listFor(entry(), P, sent), entry().cluster);
    const request = { address: P, source: 'poll', openedAt: server.service.monotonic } as const;
    const { signal } = new AbortController();
    const key = { product: 'nacos', name: 'serverlist' };
    assert.equal((await server.service.poll(key, request, 10, signal)).type, 'unavailable');
    const ready = await ask(server, 'GET', '/readyz');
    assert.equal(ready.status, 503);
    assert.match(ready.body, /"unavailable".*the database is gone/);

    await live(server, nodes, 60_000);
    for (const node of nodes) assertList(await node.poll(), [P, Q, R]);
    await comeBack();
    assertList(await anew(server, P), [P, Q, R]);
    assert.equal((await ask(server, 'GET', '/readyz')).status, 200);
  });

  it('does not send what it sent long ago, should that be the last on the connection', async (t) => {
    const { server, nodes, goDown, entry } = await setUp(t);
    await goDown();
    await live(server, nodes, LIST_CURRENT + 5_000);
    const list = entry().cluster;
    assert.equal(
      server.service.listFor(entry(), P, { cluster: list, at: performance.now() - LATE_POLL }),
      undefined,
    );
    const older = { ...list, revision: list.revision - 1 };
    assert.equal(server.service.listFor(entry(), P, { cluster: older, at: performance.now() }), undefined);
  });

  it('takes each poll for a new caller’s where several nodes share a connection, as behind an HTTP proxy', async (t) => {
    const { server, nodes, goDown } = await setUp(t);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    const via = (self: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const path = pollPath(self);
        request({ host: '127.0.0.1', port: server.port, path, agent }, (answer) => {
          answer.resume().once('close', () => resolve(answer.statusCode ?? 0));
        })
          .once('error', reject)
          .end();
      });
    for (const self of [P, Q]) assert.equal(await via(self), 200);
    await goDown();
    await live(server, nodes, LIST_CURRENT + 1_000);
    assert.equal(await via(P), 503, 'P may have asked elsewhere since');
    assertList(await nodes[0]!.poll(), [P, Q, R]);
  });

  it('says so after its machine was suspended, before it has noticed', async (t) => {
    const { server, goDown } = await setUp(t);
    await goDown();
    server.time.jump(LIST_CURRENT);
    assertRefused(await anew(server, P), /may have changed elsewhere/);
  });

  it('sends the list before a change of which not all know, and neither once it has promised', async (t) => {
    const { server, store, nodes, goDown, comeBack, entry } = await setUp(t);
    const [p] = nodes as [NacosNode];
    await server.pass(1_000);
    store.agree('decided');
    const joiner = new NacosNode(t, server, pollPath(W));
    assertList(await joiner.pollUntilListed(), [P, Q, R, W]);
    assertList(await p.poll(), [P, Q, R]);
    await server.service.sync();
    await goDown();
    await live(server, nodes, LIST_CURRENT - 5_000);
    assertList(await anew(server, P), [P, Q, R]);
    assertList(await anew(server, W), [P, Q, R, W]);

    await live(server, nodes, 5_000);
    for (const self of [P, W]) assertRefused(await anew(server, self), /may have changed elsewhere/);

    await comeBack();
    store.agree('promised');
    for (const self of [P, W]) assertRefused(await anew(server, self), /the list is changing/);
    assert.equal(server.service.listFor(entry(), undefined), undefined);
    assertRefused(await p.poll(), /the list is changing/);

    store.agree('released');
    for (const self of [P, W]) assertList(await anew(server, self), [P, Q, R, W]);
    assertList(await p.poll(), [P, Q, R, W]);
  });

  it('does not speak for a member that it knows to be silent, until the others evict nobody any more', async (t) => {
    const { server, store, nodes, goDown, comeBack, entry } = await setUp(t);
    const others = nodes.slice(0, 2);
    const presence = () => entry().cluster.members.get(R)?.presence;
    await live(server, others, 20_000);
    assert.equal(presence(), 'silent');
    const before = store.decisions;
    assertList(await anew(server, R), [P, Q, R]);
    assert.ok(store.decisions > before, 'it is decided whether it still is a member');
    assert.equal(presence(), 'live');

    await live(server, others, 20_000);
    assert.equal(presence(), 'silent');
    await server.service.sync();
    await goDown();
    assertRefused(await anew(server, R));
    await live(server, others, SILENT_UNTOLD);
    assertRefused(await anew(server, R));
    for (const node of others) assertList(await node.poll(), [P, Q, R]);
    await server.pass(1_000);
    assertList(await anew(server, R), [P, Q, R]);
    await comeBack();
    await server.pass(1_000);
    assert.equal(presence(), 'live', 'what it said meanwhile counts');
  });
});
