import { voterIn } from '../doctor/groups.js';
import type { Address } from '../registry/address.js';

/** How long the remaining voters need to elect another leader (seen with 2.5.1: 5 to 6 s). */
const ELECTION_TIME_MS = 5_500;

/** Some of the groups of a real Nacos (2.5.1). */
const GROUPS = ['naming_persistent_service_v2', 'naming_service_metadata', 'naming_instance_metadata'];

/** How far a Raft port lies below the main port (RAFT_PORT_OFFSET's default). */
const OFFSET = 1_000;

/** A Raft group as a node's API shows it. */
export interface ToldGroup {
  readonly leader: string;
  readonly term: number;
  readonly raftGroupMember: readonly string[];
}

/**
 * The Raft groups of the fake nodes, as far as a list changes them. The first list sets the voters; later
 * only the leader adds and removes voters, by the lists it gets, so without a leader nothing changes. All
 * groups are alike, since they store nothing.
 */
export class FakeRaft {
  readonly #alive = new Set<Address>();
  #voters: readonly Address[] = [];
  #leader: Address | undefined;
  #term = 0;
  #election: NodeJS.Timeout | undefined;

  /**
   * The leader's address; undefined before the first election, and from a leader's death to the next
   * election.
   */
  get leader(): Address | undefined {
    return this.#leader !== undefined && this.#alive.has(this.#leader) ? this.#leader : undefined;
  }

  /** Applies a running node's list, which has its own address. */
  follow(self: Address, list: readonly Address[]): void {
    this.#alive.add(self);
    if (this.#voters.length === 0) this.#voters = [...list];
    if (this.#leader === undefined) this.#elect();
    if (self !== this.leader) return;
    const asking = list.filter((one) => this.#alive.has(one) && !this.#voters.includes(one));
    this.#voters = [...this.#voters.filter((one) => list.includes(one)), ...asking];
  }

  /** Records that a node's process has ended. */
  die(self: Address): void {
    this.#alive.delete(self);
    if (self === this.#leader) this.#election = setTimeout(() => this.#elect(), ELECTION_TIME_MS);
  }

  /** Cancels a pending election. */
  stop(): void {
    clearTimeout(this.#election);
  }

  /** Removes a voter on an operator's command. False if there is no leader to do it. */
  remove(voter: string): boolean {
    if (this.leader === undefined) return false;
    this.#voters = this.#voters.filter((one) => voterIn(one, OFFSET) !== voter);
    return true;
  }

  /**
   * The groups that a node's API shows: none before it is a voter. A lost leader's name stays, as in a real
   * Nacos.
   */
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
