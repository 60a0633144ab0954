import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { RaftCommand } from '../../src/doctor/nacos-api.js';
import type { RepairPlan } from '../../src/doctor/plan.js';
import { Believers, GROUPS, voter } from '../support/believers.js';
import { eventually } from '../support/eventually.js';
import { startServer, type TestServer } from '../support/server.js';

const path = '/api/v1/clusters/nacos/serverlist';
const NOBODY = '127.0.0.1:1';
const DEAD = '127.9.9.9:8848';
const NO_LEADER = 'Fail to get leader of group naming, Unknown leader';

/** The single member of a recovered list, whose groups have a dead voter beside it; commands are noted but for those of proofs. */
class Survivor {
  readonly told: RaftCommand[] = [];
  /** What it says when it is asked what only a leader can do, by group; without that it leads. */
  readonly proofs = new Map(GROUPS.map((name) => [name, NO_LEADER]));
  readonly server: TestServer;
  readonly nodes: Believers;
  /** What comes of a command. */
  onCommand = (_command: RaftCommand): void => undefined;

  private constructor(server: TestServer, nodes: Believers) {
    this.server = server;
    this.nodes = nodes;
    for (const address of [DEAD, voter(DEAD)]) server.probe.answers.set(address, 'refused');
    nodes.vote([this.own, voter(DEAD)]);
    nodes.onCommand = (command) => {
      const { value, groupId } = command;
      if (value === NOBODY)
        return groupId === undefined ? [...this.proofs.values()][0] : this.proofs.get(groupId);
      this.told.push(command);
      return this.onCommand(command);
    };
  }

  static async start(t: TestContext): Promise<Survivor> {
    const nodes = await Believers.start(t, 1);
    const server = await startServer(t);
    await nodes.poll(server);
    // Nothing waits for ever for a test that has failed.
    t.after(() => server.time.pass(1_000_000));
    return new Survivor(server, nodes);
  }

  get own(): string {
    return voter(this.nodes.addresses[0] ?? '');
  }

  /** It leads these groups alone. */
  lead(names: readonly string[]): void {
    for (const name of names) {
      this.nodes.groups.set(name, { leader: this.own, voters: [this.own] });
      this.proofs.delete(name);
    }
  }

  async plan(): Promise<RepairPlan> {
    return (await (await fetch(`${this.server.url}${path}/repair`)).json()) as RepairPlan;
  }

  async begin(): Promise<void> {
    const { id } = await this.plan();
    const begun = await fetch(`${this.server.url}${path}/repair?plan=${id}`, { method: 'POST' });
    assert.equal(begun.status, 202, await begun.text());
  }

  async events(): Promise<string[]> {
    const response = await fetch(`${this.server.url}${path}/events?limit=100`);
    return ((await response.json()) as { events: { type: string }[] }).events
      .map(({ type }) => type)
      .reverse();
  }

  /** Lets time pass until a repair is over, and tells how it ended. */
  over(): Promise<string> {
    return eventually('it is over', async () => {
      const end = (await this.events()).at(-1);
      if (end === 'repaired' || end === 'repair-stopped') return end;
      this.server.time.pass(1_000);
      return false;
    });
  }
}

describe('the repair of a survivor without its majority', () => {
  it('goes on with another value where resetPeers has no effect, since a removal had begun', async (t) => {
    const survivor = await Survivor.start(t);
    const { own, told } = survivor;
    const [free, ...begun] = [...GROUPS] as [string, ...string[]];
    // JRaft takes a value that is its configuration already for done, whatever else it goes by.
    const goesBy = new Map(begun.map((name) => [name, own]));
    survivor.onCommand = ({ value, groupId }) => {
      for (const name of groupId === undefined ? GROUPS : [groupId]) {
        if (goesBy.get(name) !== value && value === own) survivor.lead([name]);
        goesBy.set(name, value);
      }
    };
    await survivor.begin();
    assert.equal(await survivor.over(), 'repaired');
    const say = (value: string, groupId?: string): RaftCommand => ({
      command: 'resetPeers',
      value,
      ...(groupId === undefined ? {} : { groupId }),
    });
    assert.deepEqual(told, [
      say(own),
      ...[...begun].sort().flatMap((name) => [say(`${own},${NOBODY}`, name), say(own, name)]),
    ]);
    assert.ok(!told.slice(1).some(({ groupId }) => groupId === free), 'one that has a leader is left alone');
  });

  it('is given up when that has no effect either', async (t) => {
    const survivor = await Survivor.start(t);
    await survivor.begin();
    assert.equal(await survivor.over(), 'repair-stopped');
    assert.deepEqual(
      [...new Set(survivor.told.map(({ value }) => value))],
      [survivor.own, `${survivor.own},${NOBODY}`],
    );
  });

  it('is planned when the node still names the dead leader, in whichever words it says that', async (t) => {
    const survivor = await Survivor.start(t);
    const words = [
      'java.util.concurrent.ExecutionException: io.grpc.StatusRuntimeException: UNAVAILABLE: io exception',
      'java.util.concurrent.ExecutionException: com.alipay.sofa.jraft.error.RemotingException: Fail to connect',
      'Fail to init channel to leader 127.9.9.9:7848',
    ];
    GROUPS.forEach((name, i) => {
      survivor.proofs.set(name, words[i] ?? '');
      survivor.nodes.groups.get(name)!.leader = voter(DEAD);
    });
    const plan = await survivor.plan();
    assert.deepEqual([plan.refused, plan.steps.length], [undefined, 1]);
    assert.equal(plan.steps[0]?.group, undefined);
  });

  it('waits while it still says that it leads some, and for an answer that means something', async (t) => {
    const survivor = await Survivor.start(t);
    survivor.proofs.delete(GROUPS[1]!);
    const early = await survivor.plan();
    assert.deepEqual([early.steps, early.isPassing], [[], true]);
    assert.match(
      early.refused ?? '',
      new RegExp(`^group ${GROUPS[1]} is led by 127\\.0\\.0\\.1:\\d+, as it claims`),
    );
    survivor.proofs.set(GROUPS[1]!, 'handleRequest internal error');
    survivor.server.time.pass(2_000);
    const unclear = await survivor.plan();
    assert.equal(unclear.isPassing, true);
    assert.match(unclear.refused ?? '', /not proven yet: this waits for/);
    survivor.proofs.set(GROUPS[1]!, NO_LEADER);
    assert.equal((await survivor.plan()).steps[0]?.group, undefined);
  });
});
