import type { Address } from '../../../src/registry/address.js';
import { majority } from '../../../src/registry/cluster.js';
import type { Random } from './random.js';

/*
 * Nacos's Raft membership, as far as lists decide about it (docs/internals/nacos.md, 2.x):
 *
 * - A blank node's first configuration is the list at its start and itself; one with data uses its log's.
 * - Leaders are elected by a majority of the candidate's own configuration; a voter refuses a candidate that
 *   is not in its configuration, whose log is older, or while it has a leader. An election takes 5 to 6 s,
 *   now and then twice as long (split votes).
 * - After its start a node asks a leader, found through its start list, every second to be added, until it
 *   is a voter; then never again until it restarts.
 * - A node that sees an address vanish from its list asks the leader at that moment to remove it, once.
 * - A leader brings its voters up to its own log, blank ones included.
 *
 * Left out: more than one Raft group (each behaves like this one, with another leader), what is in the log
 * besides configurations, a leader too busy for a removal, the network between the nodes (always whole),
 * and 1.4.2, which asks to be added only once.
 */

/** One node's Raft: its disk and whether it runs. */
export interface Peer {
  readonly address: Address;
  up: boolean;
  upSince: number;
  /** Which bootstrap its log descends from; 0 is a blank disk. */
  lineage: number;
  term: number;
  index: number;
  voters: ReadonlySet<Address>;
  leads: boolean;
  /** When it stands for election, while it has no leader. */
  electAt: number | undefined;
  /** Whether it has been a voter since its start and so no longer asks to be added. */
  registered: boolean;
  startList: readonly Address[];
}

/** A bootstrap of Raft: the first leader that blank nodes elected. */
export interface Lineage {
  readonly id: number;
  readonly leader: Address;
  readonly voters: ReadonlySet<Address>;
}

export interface RaftListener {
  bootstrapped(lineage: Lineage): void;
  /** A leader met a voter with data of another lineage. */
  clash(leader: Peer, voter: Peer): void;
  /** A leader was elected without what a voter has that was confirmed: one that had lost its data voted for it. */
  overtaken(leader: Peer, voter: Peer): void;
}

export class RaftModel {
  readonly peers = new Map<Address, Peer>();
  readonly #random: Random;
  readonly #listener: RaftListener;
  #lineages = 0;

  constructor(random: Random, listener: RaftListener) {
    this.#random = random;
    this.#listener = listener;
  }

  /** A node has its list and starts Raft. */
  start(address: Address, list: readonly Address[], now: number): void {
    let peer = this.peers.get(address);
    if (!peer) {
      peer = {
        address,
        up: false,
        upSince: now,
        lineage: 0,
        term: 0,
        index: 0,
        voters: new Set(),
        leads: false,
        electAt: undefined,
        registered: false,
        startList: [],
      };
      this.peers.set(address, peer);
    }
    peer.up = true;
    peer.upSince = now;
    peer.leads = false;
    peer.electAt = undefined;
    peer.registered = false;
    peer.startList = [...new Set([...list, address])];
    if (peer.lineage === 0) peer.voters = new Set(peer.startList);
  }

  /** The process ended; on SIGTERM a leader hands over. */
  stop(address: Address, handsOver: boolean, now: number): void {
    const peer = this.peers.get(address);
    if (!peer?.up) return;
    const led = peer.leads;
    peer.up = false;
    peer.leads = false;
    if (!led || !handsOver) return;
    for (const other of this.peers.values()) {
      if (other.up && peer.voters.has(other.address)) other.electAt = now + 500;
    }
  }

  /** The disk is gone. */
  wipe(address: Address): void {
    this.peers.delete(address);
  }

  /** The leader that can get something done. */
  leaderOf(address: Address): Peer | undefined {
    for (const peer of this.peers.values()) {
      if (peer.leads && peer.up && peer.voters.has(address) && this.#works(peer)) return peer;
    }
    return undefined;
  }

  workingLeader(): Peer | undefined {
    for (const peer of this.peers.values()) if (peer.leads && peer.up && this.#works(peer)) return peer;
    return undefined;
  }

  /** Who has the newest log of the newest bootstrap, running or not. */
  best(): Peer | undefined {
    let best: Peer | undefined;
    for (const peer of this.peers.values()) {
      if (peer.lineage === 0) continue;
      if (!best || peer.lineage > best.lineage || (peer.lineage === best.lineage && isNewer(peer, best))) {
        best = peer;
      }
    }
    return best;
  }

  /** Whether any of those that run could be elected by the others, had it the time. */
  canElect(): boolean {
    return [...this.peers.values()].some(
      (peer) =>
        peer.up && peer.voters.has(peer.address) && this.#votesFor(peer, true) >= majority(peer.voters.size),
    );
  }

  /** A node saw addresses vanish from its list. Returns those that nobody could remove now: they stay voters. */
  vanished(by: Address, gone: readonly Address[]): Address[] {
    return gone.filter((address) => {
      const leader = this.leaderOf(by);
      if (!leader) return true;
      if (!leader.voters.has(address)) return false;
      const voters = new Set(leader.voters);
      voters.delete(address);
      if (voters.size === 0 || !this.#hasQuorum(voters, leader.lineage)) return true;
      this.#reconfigure(leader, voters);
      if (address === leader.address) this.#succeed(leader);
      return false;
    });
  }

  /** The process hangs: it answers nothing, until it goes on. */
  hang(address: Address, now: number): void {
    this.stop(address, false, now);
  }

  /** It goes on, as a follower. */
  goOn(address: Address): void {
    const peer = this.peers.get(address);
    if (!peer || peer.up) return;
    peer.up = true;
    peer.electAt = undefined;
  }

  /** An operator's resetPeers, sent to the survivors: they and the new nodes become the voters. */
  reset(addresses: readonly Address[], listed: readonly Address[]): void {
    const best = this.best();
    // Who is listed and not one of them any more is added again, be it that the leader is told; who has left is not.
    for (const peer of this.peers.values()) {
      const { address } = peer;
      if (listed.includes(address) && !addresses.includes(address)) peer.registered = false;
    }
    for (const address of addresses) {
      const peer = this.peers.get(address);
      if (!peer?.up) continue;
      peer.voters = new Set(addresses);
      peer.leads = false;
      peer.electAt = undefined;
      if (peer === best) peer.index++;
    }
  }

  /** Lets a second pass. */
  step(now: number): void {
    for (const peer of this.peers.values()) {
      if (!peer.leads) continue;
      if (!this.#works(peer)) {
        peer.leads = false;
        peer.electAt = undefined;
      } else this.#replicate(peer);
    }
    for (const peer of this.peers.values()) if (peer.up && !peer.registered) this.#register(peer);
    for (const peer of this.peers.values()) {
      if (!peer.up || peer.leads) continue;
      if (this.leaderOf(peer.address)) peer.electAt = undefined;
      else if (peer.electAt === undefined) peer.electAt = now + this.#electionTime();
      else if (now >= peer.electAt) this.#stand(peer, now);
    }
  }

  #electionTime(): number {
    const once = this.#random.between(5_000, 6_000);
    return this.#random.next() < 0.15 ? 2 * once : once;
  }

  #works(leader: Peer): boolean {
    return this.#hasQuorum(leader.voters, leader.lineage);
  }

  #hasQuorum(voters: ReadonlySet<Address>, lineage: number): boolean {
    let able = 0;
    for (const address of voters) {
      const peer = this.peers.get(address);
      if (peer?.up && (peer.lineage === lineage || peer.lineage === 0)) able++;
    }
    return able >= majority(voters.size);
  }

  #replicate(leader: Peer): void {
    for (const address of leader.voters) {
      const voter = this.peers.get(address);
      if (!voter?.up || voter === leader) continue;
      if (voter.lineage !== 0 && voter.lineage !== leader.lineage) {
        this.#listener.clash(leader, voter);
        continue;
      }
      this.#follow(voter, leader);
    }
  }

  #follow(voter: Peer, leader: Peer): void {
    voter.lineage = leader.lineage;
    voter.term = leader.term;
    voter.index = leader.index;
    voter.voters = leader.voters;
    voter.leads = false;
    voter.electAt = undefined;
  }

  /** The last configuration is the leader's and its followers' at once; who is no longer in it keeps the old. */
  #reconfigure(leader: Peer, voters: ReadonlySet<Address>): void {
    leader.voters = voters;
    leader.index++;
    this.#replicate(leader);
  }

  #register(peer: Peer): void {
    for (const address of peer.startList) {
      const leader = this.leaderOf(address);
      if (!leader || !this.peers.get(address)?.up) continue;
      if (leader.voters.has(peer.address)) {
        peer.registered = true;
      } else if (peer.lineage !== 0 && peer.lineage !== leader.lineage) {
        this.#listener.clash(leader, peer);
      } else {
        const voters = new Set(leader.voters).add(peer.address);
        if (!this.#hasQuorum(voters, leader.lineage)) return;
        peer.registered = true;
        this.#reconfigure(leader, voters);
      }
      return;
    }
  }

  #stand(candidate: Peer, now: number): void {
    candidate.electAt = now + 1_000;
    if (!candidate.voters.has(candidate.address)) return;
    if (this.#votesFor(candidate) < majority(candidate.voters.size)) return;
    for (const other of this.peers.values()) {
      if (other.leads && other.lineage === candidate.lineage) other.leads = false;
    }
    this.#judgeBlankVotes(candidate);
    if (candidate.lineage === 0) {
      const { address: leader, voters } = candidate;
      const id = ++this.#lineages;
      // Judged by what there was before it.
      this.#listener.bootstrapped({ id, leader, voters });
      candidate.lineage = id;
    }
    candidate.term++;
    candidate.index++;
    candidate.leads = true;
    candidate.electAt = undefined;
    this.#replicate(candidate);
  }

  #judgeBlankVotes(candidate: Peer): void {
    const { lineage, voters } = candidate;
    if (lineage === 0 || ![...voters].some((voter) => this.peers.get(voter)?.lineage === 0)) return;
    for (const other of this.peers.values()) {
      const hasMore = other.lineage === lineage && isNewer(other, candidate);
      if (hasMore && other.voters.has(other.address)) this.#listener.overtaken(candidate, other);
    }
  }

  #votesFor(candidate: Peer, whoeverLeads = false): number {
    let votes = 0;
    for (const address of candidate.voters) {
      const voter = this.peers.get(address);
      if (!voter?.up) continue;
      if (voter === candidate) votes++;
      else if (
        voter.voters.has(candidate.address) &&
        !isNewer(voter, candidate) &&
        (whoeverLeads || !this.leaderOf(voter.address))
      ) {
        votes++;
      }
    }
    return votes;
  }

  /** A leader that removed itself tells its best follower to stand at once. */
  #succeed(former: Peer): void {
    former.leads = false;
    for (const address of former.voters) {
      const peer = this.peers.get(address);
      if (peer?.up && peer.lineage === former.lineage) {
        peer.leads = true;
        peer.term++;
        peer.index++;
        peer.voters = former.voters;
        this.#replicate(peer);
        return;
      }
    }
  }
}

function isNewer(a: Peer, b: Peer): boolean {
  return a.term > b.term || (a.term === b.term && a.index > b.index);
}
