import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../../src/registry/cluster.js';
import { lines, pollPath } from '../support/nodes.js';
import { NACOS, RawConnection, request, type RawAnswer } from '../support/raw.js';
import { startReplica, type TestReplica } from '../support/replicas.js';
import { connectTo } from '../support/sql.js';
import { Cleanup } from '../support/cleanup.js';
import { createDatabase, newerDatabases, type TestServer } from '../support/databases.js';
import { eventually } from '../support/eventually.js';

const SECONDS = Number(process.env.CONCURRENCY_SECONDS ?? 20);
const NODES = 50;
const FOUNDERS = 9;

/** How many must have left before it is over, however slow the machine is. */
const LEAVES = 5;

/** No machine is so slow that a node would count as silent; `quorum-lost` would say so. */
const RULES = { settleAfter: 2_000, memberTtl: 600_000, evictAfter: 3_600_000 };

/** A node that joins, polls whichever replica a balancer picks, leaves and comes back under a new address. */
class Node {
  address = '';
  state: 'out' | 'joining' | 'in' | 'leaving' = 'out';
  /** Since which list it must be on all of them; the list itself is the promise. */
  since = Infinity;
  revision = 0;
  polls = 0;
  leaves: string[] = [];
  readonly #index: number;
  readonly #crowd: Crowd;
  #incarnation = 0;

  constructor(index: number, crowd: Crowd) {
    this.#index = index;
    this.#crowd = crowd;
  }

  async run(): Promise<void> {
    const { crowd, random } = this;
    if (this.#index >= FOUNDERS) {
      await crowd.bootstrapped;
      await sleep(1_000 + random() * (SECONDS * 500));
    }
    while (!crowd.isOver) {
      this.address = `127.0.${this.#index + 1}.${++this.#incarnation}:8848`;
      this.revision = 0;
      this.state = 'joining';
      while (this.state === 'joining' && !crowd.isOver) await this.poll();
      if (this.state === 'joining') break;
      const stays = this.#index < 5 ? Infinity : 4_000 + random() * 12_000;
      const until = performance.now() + stays;
      while (performance.now() < until && !crowd.isOver) {
        await sleep(1_500 + random() * 1_500);
        if (!crowd.isOver) await this.poll();
      }
      if (crowd.isOver) return;
      await this.leave();
      await sleep(random() * 4_000);
    }
    if (this.state === 'joining') this.state = 'out';
  }

  get crowd(): Crowd {
    return this.#crowd;
  }

  get random(): () => number {
    return Math.random;
  }

  async ask(method: string, path: string): Promise<RawAnswer> {
    const connection = await RawConnection.open(this.crowd.anyReplica().port);
    try {
      connection.send(request(method, path, NACOS));
      return await connection.receive();
    } finally {
      connection.hangUp();
    }
  }

  async poll(): Promise<void> {
    const expect = this.#index < FOUNDERS ? `&expect=${FOUNDERS}` : '';
    const answer = await this.ask('GET', pollPath(this.address, expect));
    this.polls++;
    if (answer.status !== 200 || !answer.complete) {
      // "Not yet", which a node passes over: two changes in a row are sent to nobody before all servers have both, and a
      // machine may be too busy for the database's limits.
      const isPassedOver = answer.status === 302 && !answer.complete;
      assert.ok(
        this.state === 'joining' || isPassedOver,
        `${this.address} was refused: ${answer.status} ${answer.body}`,
      );
      return;
    }
    const revision = Number(answer.headers.get('address-server-revision'));
    const list = lines(answer.body);
    assert.ok(list.includes(this.address), `${this.address} is not on its own list`);
    assert.ok(revision >= this.revision, `${this.address} had ${this.revision} and got ${revision}`);
    for (const other of this.crowd.nodes) {
      if (other.state !== 'in' || other.since > revision) continue;
      assert.ok(
        list.includes(other.address),
        `${other.address} is missing from ${revision}: ${list.join(' ')}`,
      );
    }
    this.revision = revision;
    if (this.state === 'joining') {
      this.state = 'in';
      this.since = revision;
      this.crowd.tellBootstrapped();
    }
  }

  async leave(): Promise<void> {
    this.state = 'leaving';
    let answer = await this.ask('DELETE', pollPath(this.address));
    // As the answer says: a machine that is too busy may not have got it done in time, or has and could not say so.
    while (answer.status === 503) answer = await this.ask('DELETE', pollPath(this.address));
    assert.equal(answer.status, 200, answer.body);
    this.leaves.push(this.address);
    this.state = 'out';
  }
}

class Crowd {
  isOver = false;
  tellBootstrapped: () => void = () => undefined;
  readonly bootstrapped = new Promise<void>((resolve) => (this.tellBootstrapped = resolve));
  readonly replicas: TestReplica[];
  readonly nodes: Node[] = Array.from({ length: NODES }, (_, i) => new Node(i, this));

  constructor(replicas: TestReplica[]) {
    this.replicas = replicas;
  }

  end(): void {
    this.isOver = true;
    this.tellBootstrapped();
  }

  anyReplica(): TestReplica {
    return this.replicas[Math.floor(Math.random() * this.replicas.length)]!;
  }
}

const clusterOf = ({ service }: TestReplica): Cluster => service.find('nacos/serverlist')!.cluster;

async function play(t: TestContext, server: TestServer): Promise<void> {
  const cleanup = new Cleanup(t);
  const url = await createDatabase(cleanup, server);
  const replicas = await Promise.all(
    ['a', 'b', 'c', 'd'].map((id) =>
      startReplica(cleanup, { database: connectTo(cleanup, url), id, rules: RULES }),
    ),
  );
  const crowd = new Crowd(replicas);
  const done = Promise.all(crowd.nodes.map((node) => node.run()));
  const leavesOf = (nodes: readonly Node[]): string[] => nodes.flatMap((node) => node.leaves);
  const enough = async (): Promise<void> => {
    await eventually('they bootstrap', () => crowd.nodes.some(({ state }) => state === 'in'));
    await sleep(SECONDS * 1_000);
    await eventually('some have left', () => leavesOf(crowd.nodes).length >= LEAVES);
  };
  await Promise.race([enough(), done]).finally(() => crowd.end());
  await done;

  const wanted = crowd.nodes.filter(({ state }) => state === 'in').map(({ address }) => address);
  await eventually('all replicas have the same list', () => {
    const views = replicas.map((replica) => JSON.stringify([...clusterOf(replica).members.keys()]));
    return new Set(views).size === 1 && new Set(replicas.map((r) => clusterOf(r).revision)).size === 1;
  });
  const final = clusterOf(replicas[0]!);
  assert.equal(final.epoch, 1, 'one bootstrap');
  const leaves = leavesOf(crowd.nodes);
  for (const address of wanted) assert.ok(final.members.has(address), `${address} was dropped`);
  for (const address of leaves) assert.ok(!final.members.has(address), `the leave of ${address} was lost`);
  const events = await replicas[0]!.service.events({ limit: 1_000 });
  const count = (type: string): number => events.filter((event) => event.type === type).length;
  assert.equal(count('bootstrapped'), 1);
  const harmful = events.filter(({ type }) => ['evicted', 'rebootstrapped', 'quorum-lost'].includes(type));
  assert.deepEqual(harmful, []);
  assert.equal(count('left'), leaves.length);
  assert.ok(leaves.length > 0 && wanted.length > FOUNDERS / 2);
  const retries = replicas.reduce((sum, { store }) => sum + store.retries, 0);
  const polls = crowd.nodes.reduce((sum, node) => sum + node.polls, 0);
  const statements = replicas.map(({ database }) => Math.round(database.statements / SECONDS));
  t.diagnostic(
    `${server.name}: ${final.members.size} listed, ${leaves.length} leaves, ${polls} polls, revision ${final.revision}, ` +
      `${retries} decisions tried again, ${statements.join('/')} statements a second`,
  );
}

describe('four replicas, fifty nodes', () => {
  for (const server of newerDatabases) {
    it(`on ${server.name}`, { skip: server.skip }, (t) => play(t, server));
  }
});
