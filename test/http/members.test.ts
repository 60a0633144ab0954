import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTokens } from '../../src/http/access/token.js';
import { memberView, adoptAnswer, waitingView } from '../../src/http/api/schemas.js';
import { eventually } from '../support/eventually.js';
import { bootstrapCluster, live, NacosNode, pollPath } from '../support/nodes.js';
import { ask, CURL, JSON_CLIENT, NACOS, type RawAnswer } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';

const A = '127.0.0.11:8848';
const B = '127.0.0.12:8848';
const C = '127.0.0.13:8848';
const D = '127.0.0.14:8848';
const CLUSTER = '/api/v1/clusters/nacos/serverlist';

const member = (server: TestServer, address: string, query = ''): Promise<RawAnswer> =>
  ask(server, 'GET', `${CLUSTER}/members/${address}${query}`, JSON_CLIENT);
const isSettled = (server: TestServer, address: string): Promise<RawAnswer> =>
  member(server, address, '?settled=true');
const detailOf = ({ body }: RawAnswer): string => (JSON.parse(body) as { detail: string }).detail;

test('a member by its address, one that waits with the reason, and nobody else', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A, B, C]);
  const listed = await member(server, A);
  assert.equal(listed.status, 200);
  const { address, source, settled } = memberView.parse(JSON.parse(listed.body));
  assert.deepEqual([address, source, settled], [A, 'poll', true]);
  assert.equal((await member(server, '127.0.0.11')).body, listed.body, '8848 without a port');
  await server.pass(16_000);
  await ask(server, 'POST', pollPath(D));
  const waits = await member(server, D);
  assert.equal(waits.status, 202);
  assert.equal(waitingView.parse(JSON.parse(waits.body)).code, 'no-majority');
  const unknown = await member(server, '127.0.0.99:8848');
  assert.equal(unknown.status, 404);
  assert.equal(
    detailOf(unknown),
    '127.0.0.99:8848 is neither on the list of nacos/serverlist nor waiting for it',
  );
});

test('settled=true is 200 only when it is: a readiness probe', async (t) => {
  const server = await startServer(t);
  const nodes = await bootstrapCluster(t, server, [A, B, C]);
  for (const address of [A, B, C])
    assert.equal((await isSettled(server, address)).status, 200, 'an initial member');
  const joiner = new NacosNode(t, server, pollPath(D));
  await joiner.pollUntilListed();
  const joined = await isSettled(server, D);
  assert.equal(joined.status, 409);
  assert.match(
    detailOf(joined),
    /on the list of nacos\/serverlist and has not settled yet: not yet sent the list with it: 127/,
  );
  assert.equal((await member(server, D)).status, 200, 'it is listed');
  await live(server, [...nodes, joiner], 10_000);
  assert.match(
    detailOf(await isSettled(server, D)),
    /for \d+ s of 20 s\. That is normal for the first 20 s or so/,
  );
  await live(server, [...nodes, joiner], 20_000);
  assert.equal((await isSettled(server, D)).status, 200);
  assert.equal((await isSettled(server, '127.0.0.99')).status, 404);
  const people = await ask(server, 'GET', `${CLUSTER}/members/${D}?settled=true`, CURL);
  assert.equal(people.status, 200, 'as curl -f asks');
  const wrong = await member(server, D, '?settled=yes');
  assert.equal(wrong.status, 400);
  assert.match(detailOf(wrong), /settled="yes" is neither true nor false/);
});

test('settled=true of one that waits is 409 with the reason', async (t) => {
  const server = await startServer(t);
  await ask(server, 'POST', `${pollPath(A)}&expect=3`);
  const waits = await isSettled(server, A);
  assert.equal(waits.status, 409);
  assert.match(detailOf(waits), /^127\.0\.0\.11:8848 waits at the gate of nacos\/serverlist: .*1 of 3/);
});

test('an adoption gives a lease to who is heard, says why the others stay, and changes no list', async (t) => {
  const server = await startServer(t);
  await ask(server, 'POST', '/nacos/v1/as/nodes?ips=127.0.0.11,127.0.0.12,127.0.0.13');
  await server.pass(1_000);
  const nodes = [A, B].map((self) => new NacosNode(t, server, pollPath(self)));
  await live(server, nodes, 10_000);
  const adopt = async () => {
    const answer = await ask(server, 'POST', `${CLUSTER}/adopt`, JSON_CLIENT);
    assert.equal(answer.status, 200, answer.body);
    return adoptAnswer.parse(JSON.parse(answer.body));
  };
  const first = await adopt();
  assert.deepEqual([first.revision, first.adopted], [1, [A, B]]);
  assert.deepEqual(
    first.kept.map(({ address }) => address),
    [C],
  );
  assert.match(
    first.kept[0]!.reason,
    /has never been heard: its node must poll with self=127\.0\.0\.13:8848/,
  );
  assert.equal((await ask(server, 'GET', '/nacos/serverlist')).body, `${A}\n${B}\n${C}\n`);
  const viewOf = async (address: string) =>
    memberView.parse(JSON.parse((await member(server, address)).body));
  assert.equal((await viewOf(A)).state, 'live');
  // The list is sent at once, and what the poll says anew is decided beside that.
  await nodes[0]!.poll();
  await eventually('it is seen to poll', async () => (await viewOf(A)).source === 'poll');

  await ask(server, 'POST', pollPath(C));
  const second = await adopt();
  assert.deepEqual(second, { revision: 1, adopted: [C], kept: [] });
  assert.equal(memberView.parse(JSON.parse((await member(server, C)).body)).source, 'heartbeat');
  const { body } = await ask(server, 'GET', `${CLUSTER}/events`, JSON_CLIENT);
  const { events } = JSON.parse(body) as { events: { type: string; address?: string }[] };
  assert.deepEqual(
    events.filter(({ type }) => type === 'adopted').map((event) => event.address),
    [C, B, A],
  );
  const unknown = await ask(server, 'POST', '/api/v1/clusters/nacos/none/adopt', JSON_CLIENT);
  assert.equal(unknown.status, 404);
});

test('a member whose polls are refused stays static, and the adoption says so', async (t) => {
  const changeTokens = { tokens: parseTokens('right-token-0123456789'), file: undefined };
  const server = await startServer(t, { access: { changeTokens }, rules: { pollHold: 30 } });
  const right = ['Authorization: Bearer right-token-0123456789'];
  await ask(server, 'POST', '/nacos/v1/as/nodes?ips=127.0.0.11', [...CURL, ...right]);
  await server.pass(1_000);
  await ask(server, 'GET', pollPath(A), NACOS);
  const answer = await ask(server, 'POST', `${CLUSTER}/adopt`, [...JSON_CLIENT, ...right]);
  const { kept } = adoptAnswer.parse(JSON.parse(answer.body));
  assert.match(kept[0]!.reason, /never been heard: .*\. Its polls are refused: a token is needed/);
});
