import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { RaftCommand } from '../../src/doctor/nacos-api.js';
import type { RepairPlan } from '../../src/doctor/plan.js';
import { Believers, GROUPS, voter, type Belief } from '../support/believers.js';
import { eventually } from '../support/eventually.js';
import { startServer, type TestServer } from '../support/server.js';

const path = '/api/v1/clusters/nacos/serverlist';
const NO_LEADER = 'Fail to get leader of group naming, Unknown leader';

/** A leader with these voters in every group. */
function led(leader: string, voters: readonly string[]): Map<string, Belief> {
  return new Map(GROUPS.map((name) => [name, { leader, voters: [...voters] }]));
}

/**
 * Three nodes that have their old disks at new addresses: none shows a group, since none goes by the others' configuration, and
 * a node that is told `resetPeers` with more than itself gets no votes (2.3.2, seen).
 */
class Moved {
  readonly told: RaftCommand[] = [];
  readonly server: TestServer;
  readonly nodes: Believers;
  /** What comes of a `resetPeers` that names one alone, and of a `restRaftCluster`. */
  onReset = (): void => this.follow(this.voters.slice(0, 1));
  onJoin = (): void => undefined;

  private constructor(server: TestServer, nodes: Believers) {
    this.server = server;
    this.nodes = nodes;
    for (const address of nodes.addresses) nodes.apart.set(address, new Map());
    nodes.onCommand = (command, node) => {
      const { command: what, value } = command;
      if (what === 'removePeer') return nodes.apart.get(node)?.size === 0 ? NO_LEADER : undefined;
      this.told.push(command);
      if (what === 'restRaftCluster') return this.onJoin();
      if (value === voter(node)) this.onReset();
      return undefined;
    };
  }

  static async start(t: TestContext): Promise<Moved> {
    const nodes = await Believers.start(t, 3);
    const server = await startServer(t);
    await nodes.poll(server);
    // Nothing waits for ever for a test that has failed.
    t.after(() => server.time.pass(1_000_000));
    return new Moved(server, nodes);
  }

  get voters(): string[] {
    return this.nodes.addresses.map(voter);
  }

  /** Lets the first of these lead, with all of them as voters; `followers`: those that show it, the same by default. */
  follow(voters: readonly string[], followers = voters): void {
    for (const address of this.nodes.addresses)
      if (followers.includes(voter(address))) this.nodes.apart.set(address, led(voters[0] ?? '', voters));
  }

  async plan(): Promise<RepairPlan> {
    return (await (await fetch(`${this.server.url}${path}/repair`)).json()) as RepairPlan;
  }

  /** Begins the repair that is planned when no election can be under way, and waits until its first step is done. */
  async begin(): Promise<void> {
    assert.equal((await this.plan()).isPassing, true);
    for (let i = 0; i < 3; i++) {
      await this.server.pass(10_000);
      await this.nodes.poll(this.server);
    }
    const { id, refused } = await this.plan();
    assert.equal(refused, undefined);
    const begun = await fetch(`${this.server.url}${path}/repair?plan=${id}`, { method: 'POST' });
    assert.equal(begun.status, 202);
    await eventually('the survivor leads', async () => (await this.events()).includes('repair-step'));
  }

  async events(): Promise<string[]> {
    const response = await fetch(`${this.server.url}${path}/events?limit=100`);
    const { events } = (await response.json()) as { events: { type: string; reason: string }[] };
    return events
      .map(({ type, reason }) => (type === 'repair-stopped' ? `${type}: ${reason}` : type))
      .reverse();
  }
}

describe('the repair of nodes that moved with their disks', () => {
  it('names one alone, and is over when the others have joined it by themselves', async (t) => {
    const moved = await Moved.start(t);
    await moved.begin();
    assert.deepEqual(moved.told, [{ command: 'resetPeers', value: moved.voters[0] }]);
    moved.follow(moved.voters.slice(0, 2));
    moved.server.time.pass(60_000);
    assert.ok(!(await moved.events()).includes('repaired'), 'one has not joined');
    moved.follow(moved.voters);
    await eventually('all are voters', async () => (await moved.events()).includes('repaired'));
    assert.equal(moved.told.length, 1, 'nobody else had to be told anything');
  });

  it('has the leader add who follows it and does not ask, since it had met a leader before', async (t) => {
    const moved = await Moved.start(t);
    const { voters } = moved;
    moved.onReset = () => moved.follow([voters[0]!, voters[2]!], voters);
    moved.onJoin = () => moved.follow(voters);
    await moved.begin();
    await eventually('it is over', async () => {
      moved.server.time.pass(1_000);
      return (await moved.events()).includes('repaired');
    });
    assert.deepEqual(
      moved.told.slice(1),
      [...GROUPS]
        .sort()
        .map((groupId) => ({ command: 'restRaftCluster', value: [...voters].sort().join(), groupId })),
    );
  });

  it('makes nobody a voter who was never seen to follow, and says who is left', async (t) => {
    const moved = await Moved.start(t);
    moved.onReset = () => moved.follow(moved.voters.slice(0, 2));
    await moved.begin();
    const last = await eventually('it is given up', async () => {
      moved.server.time.pass(20_000);
      const end = (await moved.events()).at(-1);
      return end?.startsWith('repair-stopped') && end;
    });
    assert.match(
      last,
      new RegExp(`after 1 of 2 steps: after 100 s ${moved.voters[2]} is not a voter of 3 groups .*Restart`),
    );
    assert.equal(moved.told.length, 1);
  });
});
