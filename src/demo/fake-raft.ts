import { voterIn } from '../doctor/groups.js';
import type { Address } from '../registry/address.js';

/** How long the voters that are left need to elect another leader (seen on 2.5.1: 5 to 6 s). */
const ELECTION_TIME_MS = 5_500;

/** Some of the groups of a real Nacos (2.5.1). */
const GROUPS = ['naming_persistent_service_v2', 'naming_service_metadata', 'naming_instance_metadata'];

/** How far a Raft port lies below the main port (RAFT_PORT_OFFSET's default). */
const OFFSET = 1_000;

/** One Raft group as a node tells of it in its API. */
export interface ToldGroup {
  readonly leader: string;
  readonly term: number;
  readonly raftGroupMember: readonly string[];
}

/**
 * The Raft groups of fake Nacos nodes, as far as a list changes them: the first list decides the voters, later on only the
 * leader adds and removes them by the lists that it gets, and while there is none nothing changes. All groups are alike, since nothing
 * is stored in them.
 */
export class FakeRaft {
  readonly #alive = new Set<Address>();
  #voters: readonly Address[] = [];
  #leader: Address | undefined;
  #term = 0;
  #election: NodeJS.Timeout | undefined;

  /** Who leads; undefined before the first election, and after the leader's death until the next. */
  get leader(): Address | undefined {
    return this.#leader !== undefined && this.#alive.has(this.#leader) ? this.#leader : undefined;
  }

  /** A node runs with this list, its own address on it. */
  follow(self: Address, list: readonly Address[]): void {
    this.#alive.add(self);
    if (this.#voters.length === 0) this.#voters = [...list];
    if (this.#leader === undefined) this.#elect();
    if (self !== this.leader) return;
    const asking = list.filter((one) => this.#alive.has(one) && !this.#voters.includes(one));
    this.#voters = [...this.#voters.filter((one) => list.includes(one)), ...asking];
  }

  /** A node's process ends. */
  die(self: Address): void {
    this.#alive.delete(self);
    if (self === this.#leader) this.#election = setTimeout(() => this.#elect(), ELECTION_TIME_MS);
  }

  /** No election is held any more. */
  stop(): void {
    clearTimeout(this.#election);
  }

  /** A voter is removed by an operator's word. False while there is no leader that could. */
  remove(voter: string): boolean {
    if (this.leader === undefined) return false;
    this.#voters = this.#voters.filter((one) => voterIn(one, OFFSET) !== voter);
    return true;
  }

  /** What a node tells of its groups: nothing before it is a voter. A lost leader's name stays, as in a real Nacos. */
  groupsOf(self: Address): Readonly<Record<string, ToldGroup>> {
    if (this.#leader === undefined || !this.#voters.includes(self)) return {};
    const told: ToldGroup = {
      leader: voterIn(this.#leader, OFFSET),
      term: this.#term,
      raftGroupMember: this.#voters.map((one) => voterIn(one, OFFSET)),
    };
    return Object.fromEntries(GROUPS.map((name) => [name, told]));
  }

  #elect(): void {
    const able = this.#voters.filter((one) => this.#alive.has(one));
    if (able.length * 2 <= this.#voters.length) return;
    this.#leader = able.at(-1);
    this.#term++;
  }
}
