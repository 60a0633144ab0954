import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { examined, ageOf, type Examination } from '../../src/doctor/examination.js';
import { NORMAL_FOR, type FindingCode } from '../../src/doctor/findings.js';
import { voterIn } from '../../src/doctor/groups.js';
import type { GroupCopy, Reading } from '../../src/doctor/node-view.js';
import type { Address } from '../../src/registry/address.js';
import { describe as viewed } from '../../src/registry/view.js';
import { RULES } from '../registry/simulation/server.js';
import { World, type Node } from '../registry/simulation/world.js';

const OFFSET = 1_000;
const LOOK = 3_000;
const HOUR = 3_600_000;

/** Hours of each kind of history: a few at each `npm test`, more beside the long simulation. */
const HOURS = process.env.SIMULATION_RUNS === undefined ? 2 : 12;

/** A simulated cluster of three, whose nodes are read every 3 s, as the examiner does when something may change. */
class Watched {
  readonly world: World;
  readonly persistent = new Set<string>();
  looks = 0;
  #last: Examination | undefined;
  /** A lost leader's name is never cleared. */
  readonly #leaders = new Map<Address, string>();

  constructor(salt: number, replicas: number) {
    this.world = new World({ expect: 3, ids: false, retries: 200, salt, replicas, reads: true });
    for (let i = 0; i < 3; i++) this.world.add();
    this.#look();
  }

  get running(): Node[] {
    return [...this.world.nodes.values()].filter(({ state, gone }) => state === 'running' && !gone);
  }

  pass(ms: number): void {
    this.world.schedule.runUntil(this.world.now + ms);
  }

  /** The codes of what lasted for longer than is normal. */
  get codes(): FindingCode[] {
    return [...new Set([...this.persistent].map((text) => text.split(':', 1)[0] as FindingCode))];
  }

  #look(): void {
    const { world } = this;
    world.schedule.after(LOOK, () => this.#look());
    const { cluster, hearing } = world.registry;
    if (cluster.members.size === 0) return;
    const view = viewed(cluster, { now: hearing, rules: RULES, graceUntil: 0 });
    const readings = view.members.map(({ address }) => this.#read(address));
    this.#last = examined(view, readings, OFFSET, world.now, this.#last);
    this.looks++;
    for (const finding of this.#last.diagnosis.findings) {
      if (ageOf(this.#last, finding) < NORMAL_FOR[finding.code]) continue;
      this.persistent.add(`${finding.code}: ${(world.now / 1_000).toFixed(0)} s, ${finding.sentence}`);
    }
  }

  #read(address: Address): Reading {
    const node = this.world.nodes.get(address);
    const runs = node?.state === 'running' || node?.state === 'stopping';
    if (!node || !runs || this.world.now - node.begunAt < 8_000) {
      return { address, reason: 'it does not answer' };
    }
    const peer = this.world.raft.peers.get(address);
    const groups = new Map<string, GroupCopy>();
    if (peer && peer.lineage > 0) {
      const leader = peer.leads ? peer : this.world.raft.leaderOf(address);
      if (leader) this.#leaders.set(address, voterIn(leader.address, OFFSET));
      const voters = [...peer.voters].map((voter) => voterIn(voter, OFFSET));
      groups.set('raft', { leader: this.#leaders.get(address), term: peer.term, voters });
    }
    return { address, version: '2.5.1', members: [...new Set([...node.list, address])], groups };
  }
}

describe('an hour of a healthy cluster', () => {
  for (const replicas of [0, 2]) {
    const servers = replicas === 0 ? 'one server' : `${replicas} servers`;

    it(`with ${servers}: polls alone, and nothing is found`, () => {
      const watched = new Watched(1, replicas);
      watched.pass(HOUR);
      assert.ok(watched.looks > 1_000);
      assert.deepEqual([...watched.persistent], []);
    });

    it(`with ${servers}: every node replaced again and again, some by kill -9, some restarted: no false alarm`, () => {
      for (let salt = 0; salt < HOURS; salt++) {
        const watched = new Watched(salt, replicas);
        const { world } = watched;
        watched.pass(120_000);
        for (let minute = 2; minute < 58; minute += 4) {
          const one = watched.running[world.random.between(0, watched.running.length - 1)]!;
          switch (minute % 12) {
            case 2: // A rolling update with a surge.
              world.add();
              watched.pass(40_000);
              world.leave(one, 3_000, false);
              watched.pass(200_000);
              break;
            case 6: // Killed, and replaced by a new address.
              world.stop(one, 'process');
              world.giveUp(one);
              world.add();
              watched.pass(240_000);
              break;
            default: // Killed, and started again with its disk.
              world.stop(one, 'process');
              watched.pass(15_000);
              world.start(one);
              watched.pass(225_000);
          }
        }
        assert.deepEqual([...watched.persistent], [], `salt ${salt}`);
        assert.equal(watched.running.length, 3);
      }
    });
  }

  it('and the same eyes see what is wrong', () => {
    const watched = new Watched(3, 0);
    watched.pass(120_000);
    const leader = watched.world.raft.workingLeader()!;
    const dropped = [...leader.voters].find((voter) => voter !== leader.address)!;
    leader.voters = new Set([...leader.voters].filter((voter) => voter !== dropped));
    watched.pass(59_000);
    assert.deepEqual(watched.codes, [], 'it may be normal');
    watched.pass(10_000);
    assert.deepEqual(watched.codes, ['no-voter']);
    leader.voters = new Set([...leader.voters, dropped, 'n9:8848']);
    watched.pass(40_000);
    assert.deepEqual(watched.codes, ['no-voter', 'phantom-voter']);
  });
});
