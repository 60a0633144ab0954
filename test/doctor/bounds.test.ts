import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTcp, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { Examiner } from '../../src/doctor/examiner.js';
import { READ_TIMEOUT_MS, readNode, sendCommand } from '../../src/doctor/nacos-api.js';
import { isRead } from '../../src/doctor/node-view.js';
import { Slots } from '../../src/doctor/slots.js';
import { pino } from 'pino';
import { Believers } from '../support/believers.js';
import { eventually } from '../support/eventually.js';
import { ScriptedProbe, startServer, type TestServer } from '../support/server.js';

/** One that waits for nodes as long as a slow machine takes. */
function patient(t: TestContext, { service }: TestServer, timeout = 60_000): Examiner {
  const log = pino({ level: 'silent' });
  const nacos = { timeout };
  const examiner = new Examiner({
    service,
    probe: new ScriptedProbe(),
    log,
    nacos,
    raftOffset: 1_000,
    isOn: true,
  });
  t.after(() => examiner.stop());
  return examiner;
}

/** A node that answers what the test says, to everything. */
async function node(t: TestContext, answer: (self: string) => string): Promise<string> {
  const server = createServer((_request, response) => response.end(answer(address))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return address;
}

const viewWith = (self: string, metaDataMap: unknown): string =>
  JSON.stringify({
    data: [{ address: self, extendInfo: { version: '2.5.1', raftMetaData: { metaDataMap } } }],
  });

test('a node that tells of any number of groups, members or bytes is not believed', async (t) => {
  const groups = (count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`g${i}`, { leader: 'a:1', term: 1, raftGroupMember: [] }]),
    );
  const reasonOf = async (answer: (self: string) => string): Promise<string> => {
    const reading = await readNode(await node(t, answer), { timeout: 60_000 });
    return isRead(reading) ? 'read' : reading.reason;
  };
  assert.equal(await reasonOf((self) => viewWith(self, groups(20))), 'read');
  assert.match(
    await reasonOf((self) => viewWith(self, groups(10_000))),
    /it reports 10000 Raft groups, more than 64/,
  );
  const members = JSON.stringify({ data: Array.from({ length: 60_000 }, () => ({ address: 'a' })) });
  assert.match(await reasonOf(() => members), /it reports 60000 members, more than 2000/);
  assert.match(
    await reasonOf(() => JSON.stringify({ data: 'x'.repeat(8 << 20) })),
    /its answer is larger than 1 MB/,
  );
});

test('what others tell of a node is not looked at', async (t) => {
  const address = await node(t, (self) =>
    JSON.stringify({
      data: [
        {
          address: 'a:1',
          extendInfo: {
            raftMetaData: {
              metaDataMap: Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [i, 1])),
            },
          },
        },
        { address: self, extendInfo: { version: '2.5.1' } },
      ],
    }),
  );
  const reading = await readNode(address, { timeout: 60_000 });
  assert.ok(isRead(reading));
  assert.deepEqual(reading.members, ['a:1', address]);
});

test('places: nobody has more than its share, and all that wait take turns', async () => {
  const slots = new Slots(3, 2);
  const [a, b, c] = [{}, {}, {}];
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const run = (owner: object, name: string) =>
    slots.run(owner, () => {
      begun.push(name);
      return new Promise<void>((resolve) => ends.set(name, resolve));
    });
  const settle = () => new Promise(setImmediate);
  for (let i = 0; i < 5; i++) void run(a, `a${i}`);
  await settle();
  assert.deepEqual(begun, ['a0', 'a1']);
  for (let i = 0; i < 2; i++) void run(b, `b${i}`);
  void run(c, 'c0');
  await settle();
  assert.deepEqual(begun, ['a0', 'a1', 'b0']);
  for (const name of ['a0', 'a1', 'b0']) ends.get(name)?.();
  await settle();
  assert.deepEqual(begun.slice(3).sort(), ['a2', 'b1', 'c0']);
});

test('clusters of dead addresses do not keep the doctor from others', async (t) => {
  const server = await startServer(t);
  // They take a connection and say nothing.
  const deaf = createTcp(() => undefined).listen(0, '0.0.0.0');
  await once(deaf, 'listening');
  const sockets = new Set<{ destroy(): void }>();
  deaf.on('connection', (socket) => sockets.add(socket));
  t.after(() => {
    deaf.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = deaf.address() as AddressInfo;
  for (const name of ['x', 'y']) {
    const addresses = Array.from({ length: 1_000 }, (_, i) => `127.1.${i >> 8}.${i & 255}:${port}`);
    await server.service.command({ product: 'dead', name }, { type: 'put', addresses });
  }
  const nacos = await Believers.start(t, 3);
  // As in a real server: each dead one takes that long, and a thousand of them, fifty at once, a minute.
  const examiner = patient(t, server, READ_TIMEOUT_MS);
  examiner.start();
  await eventually('the dead are being asked', () => sockets.size > 0, 60_000);
  const key = { product: 'nacos', name: 'serverlist' };
  await server.service.command(key, { type: 'put', addresses: nacos.addresses });
  const entry = server.service.find('nacos/serverlist');
  assert.ok(entry);
  const isRead = (): boolean =>
    examiner.health(entry).nodes.filter(({ reason }) => reason === undefined).length === 3;
  await eventually('the others are read', isRead, 40_000);
});

test('plans that are asked for again and again do not multiply commands', async (t) => {
  const commands: string[] = [];
  const addresses: string[] = [];
  for (let i = 0; i < 3; i++) {
    const server = createServer((request, response) => {
      void text(request).then((body) => {
        if (request.method === 'POST') {
          commands.push(body);
          return response.end(JSON.stringify({ code: 500, message: 'Fail to get leader of group g' }));
        }
        const self = addresses[i] ?? '';
        const metaDataMap = { g: { leader: '127.0.0.9:1', term: 1, raftGroupMember: ['127.0.0.9:1'] } };
        const extendInfo = { version: '2.5.1', raftMetaData: { metaDataMap } };
        response.end(
          JSON.stringify({
            data: addresses.map((address) => (address === self ? { address, extendInfo } : { address })),
          }),
        );
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close().closeAllConnections());
    addresses.push(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  }
  const server = await startServer(t);
  await server.service.command({ product: 'nacos', name: 'serverlist' }, { type: 'put', addresses });
  const entry = server.service.find('nacos/serverlist');
  assert.ok(entry);
  let now = 0;
  const log = pino({ level: 'silent' });
  const examiner = new Examiner({
    service: server.service,
    probe: new ScriptedProbe(),
    log,
    nacos: { timeout: 60_000 },
    raftOffset: 1_000,
    isOn: true,
    clock: () => now,
  });
  await examiner.plan(entry);
  assert.equal(commands.length, 1);
  await Promise.all(Array.from({ length: 20 }, () => examiner.plan(entry)));
  for (let i = 0; i < 5; i++) await examiner.plan(entry);
  assert.equal(commands.length, 1, 'no time has passed on the clock of the looks');
  now += 2_000;
  await examiner.plan(entry);
  assert.equal(commands.length, 2);
});

test('a node is read and told below its context path, where that is /, or the list’s product', async (t) => {
  for (const contextPath of ['', '/foo', '/nacos']) {
    const asked: string[] = [];
    const server = createServer(({ method, url = '' }, response) => {
      asked.push(`${method} ${url}`);
      if (!url.startsWith(`${contextPath}/v1/`)) return void response.writeHead(404).end();
      response.end(method === 'POST' ? '{"code":200}' : viewWith(address, {}));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close().closeAllConnections());
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const options = { timeout: 60_000, product: 'foo' };
    const view = await readNode(address, options);
    assert.ok(isRead(view), contextPath);
    assert.deepEqual(view.members, [address]);
    const sent = await sendCommand(view, { command: 'restRaftCluster', value: address }, options);
    assert.ok(sent.done, sent.reason);
    assert.equal(asked.at(-1), `POST ${contextPath}/v1/core/ops/raft`);
  }
});
