import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { readAgain, type Known } from '../../src/doctor/nacos-api.js';
import { isRead, type NodeView, type Reading } from '../../src/doctor/node-view.js';
import { SameText } from '../../src/doctor/same-text.js';

/** A 2.5.1 with two members beside itself, as it answers. */
class Node {
  address = '';
  name: string | undefined;
  version = '2.5.1';
  /** All that it believes in, and those that it holds for up. */
  members: string[] = [];
  up: string[] = [];
  groups: Record<string, unknown> = {
    g: { leader: 'a:7848', term: 1, raftGroupMember: ['a:7848', 'b:7848'] },
  };
  /** Beside what it says of others. */
  ballast = '';
  readonly asked: string[] = [];

  static async start(t: TestContext): Promise<Node> {
    const node = new Node();
    const server = createServer(({ url = '' }, response) => {
      const path = url.split('?', 1)[0] ?? '';
      node.asked.push(path.replace('/nacos/v1/core/cluster/', ''));
      const self = {
        extendInfo: {
          lastRefreshTime: node.asked.length,
          raftMetaData: { metaDataMap: node.groups },
          version: node.version,
        },
        address: node.name ?? node.address,
      };
      const data = path.endsWith('/self')
        ? self
        : path.endsWith('/simple/nodes')
          ? node.up
          : [self, ...node.members.slice(1).map((address) => ({ address, ballast: node.ballast }))];
      response.end(JSON.stringify({ code: 200, data }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close().closeAllConnections());
    node.address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    node.members = [node.address, 'a:8848', 'b:8848'];
    node.up = [...node.members];
    return node;
  }

  /** What it is asked for, and the answer. */
  async read(known: Partial<Known>): Promise<{ reading: Reading; asked: string }> {
    this.asked.length = 0;
    const all = {
      before: undefined,
      listed: new Set(this.members),
      isQuiet: true,
      now: 0,
      same: new SameText(),
    };
    const reading = await readAgain(this.address, { timeout: 60_000 }, { ...all, ...known });
    return { reading, asked: this.asked.join() };
  }
}

const WHOLE = 'nodes,self';
const SHORT = 'self,simple/nodes';

describe('a node that was read before', () => {
  it('is asked for little as long as all is quiet, and tells the same', async (t) => {
    const node = await Node.start(t);
    const same = new SameText();
    const first = await node.read({ same });
    assert.equal(first.asked, WHOLE);
    const again = await node.read({ before: first.reading, now: 100_000, same });
    assert.equal(again.asked, SHORT);
    const untimed = ({ reading }: { reading: Reading }): unknown => ({ ...reading, clockAhead: 0 });
    assert.deepEqual(untimed(again), untimed(first));
    // What is the same is kept once.
    const third = await node.read({ before: again.reading, now: 101_000, same });
    assert.equal((third.reading as NodeView).groups, (again.reading as NodeView).groups);
    node.groups = { g: { leader: 'b:7848', term: 2, raftGroupMember: ['b:7848'] } };
    const changed = await node.read({ before: again.reading, now: 102_000, same });
    assert.equal(changed.asked, SHORT);
    assert.deepEqual(
      [...(changed.reading as NodeView).groups],
      [['g', { leader: 'b:7848', term: 2, voters: ['b:7848'] }]],
    );
  });

  it('is asked for everything when not all is quiet, and now and then', async (t) => {
    const node = await Node.start(t);
    const { reading: before } = await node.read({});
    assert.equal((await node.read({ before, isQuiet: false })).asked, WHOLE);
    const later = await node.read({ before, now: 120_000 });
    assert.deepEqual([later.asked, later.reading.wholeAt], [WHOLE, 120_000]);
  });

  it('is asked for everything when it says anything else', async (t) => {
    const node = await Node.start(t);
    const { reading: before } = await node.read({});
    node.up = node.members.slice(0, 2);
    // A member that it holds for down is one all the same.
    const down = await node.read({ before });
    assert.deepEqual([down.asked, (down.reading as NodeView).members], [`${SHORT},${WHOLE}`, node.members]);
    node.up = [...node.members];
    node.members.push('c:8848');
    node.up.push('c:8848');
    const more = await node.read({ before });
    assert.deepEqual([more.asked, (more.reading as NodeView).members], [`${SHORT},${WHOLE}`, node.members]);
    node.name = 'other:8848';
    const named = await node.read({ before: more.reading });
    assert.deepEqual(
      [named.asked, (named.reading as NodeView).otherName],
      [`${SHORT},${WHOLE}`, 'other:8848'],
    );
    node.name = undefined;
    node.groups = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`g${i}`, {}]));
    const many = await node.read({ before: more.reading });
    assert.match((many.reading as { reason: string }).reason, /it reports 65 Raft groups, more than 64/);
  });

  it('of 1.4 or 3 is always asked for everything', async (t) => {
    for (const version of ['1.4.2', '2.0.4', '3.0.3']) {
      const node = await Node.start(t);
      node.version = version;
      const { reading: before } = await node.read({});
      assert.equal((await node.read({ before })).asked, WHOLE, version);
    }
  });

  it('whose whole answer is too large is read by the short ones while all its members are up', async (t) => {
    const node = await Node.start(t);
    node.ballast = 'x'.repeat(1 << 20);
    const first = await node.read({});
    assert.equal(first.asked, `nodes,${SHORT}`);
    assert.deepEqual([(first.reading as NodeView).members, isRead(first.reading)], [node.members, true]);
    const again = await node.read({ before: first.reading, now: 60_000, isQuiet: false });
    assert.deepEqual([again.asked, isRead(again.reading)], [SHORT, true]);
    // Whether it lacks a member or holds it for down cannot be told.
    node.up = node.members.slice(0, 2);
    const down = await node.read({ before: again.reading, now: 61_000 });
    assert.match((down.reading as { reason: string }).reason, /its answer is larger than 1 MB/);
    const still = await node.read({ before: down.reading, now: 62_000 });
    assert.deepEqual([still.asked, isRead(still.reading)], [SHORT, false]);
    node.up = [...node.members];
    assert.equal(isRead((await node.read({ before: still.reading, now: 63_000 })).reading), true);
  });

  it('that does not answer any more is not asked twice', async () => {
    const address = '127.0.0.1:1';
    const before: NodeView = { address, version: '2.5.1', members: [address], groups: new Map(), wholeAt: 0 };
    const known = { before, listed: new Set([address]), isQuiet: true, now: 1, same: new SameText() };
    assert.deepEqual(await readAgain(address, { timeout: 60_000 }, known), {
      address,
      reason: 'it does not answer (connect ECONNREFUSED 127.0.0.1:1)',
      wholeAt: 0,
    });
  });
});
