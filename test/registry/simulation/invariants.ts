import type { Address } from '../../../src/registry/address.js';
import { majority, type Cluster, type Member } from '../../../src/registry/cluster.js';
import type { Command } from '../../../src/registry/decide.js';
import { HEARD_AGAIN, REPLACED_EVICT_AFTER } from '../../../src/registry/rules.js';
import { RULES, type Answer } from './server.js';
import type { Lineage, Peer } from './model.js';
import type { Node, World } from './world.js';

/** What must hold in every history; the names are those of the README's table. */
export type Invariant =
  /** No live member is dropped from the list but by its own word. */
  | 'live-member-dropped'
  /** A complete answer always has its caller on it. */
  | 'caller-not-listed'
  /** No process is sent a list that is older than one it was sent before, whoever sends it. */
  | 'went-back'
  /** Lists of one revision are the same, and no epoch is bootstrapped twice. */
  | 'forked'
  /** Data of one epoch never descends from two bootstraps. */
  | 'disjoint-groups'
  /** A new address is admitted only while a majority of the list is alive. */
  | 'joined-without-majority'
  /** The first list of a cluster has as many members as were asked for; later bootstraps follow its size (R7). */
  | 'bootstrapped-too-small'
  /** A node that left does not come back while it stops. */
  | 'left-and-listed'
  /** While Raft is being repaired, the list changes by a node's own leave only. */
  | 'changed-in-repair'
  /** The doctor never removes the vote of a node that runs and is listed. */
  | 'live-voter-removed'
  /** A member is evicted only while a majority of the list is alive, one at a time. */
  | 'evicted-without-majority'
  /** Whoever is no node never makes a cluster lose its majority. */
  | 'lost-to-strangers'
  /** Voters that are on the list and alive in a majority have a leader. */
  | 'leaderless'
  /** In the end, the list is the live nodes, each of them a voter, and nobody else is. */
  | 'not-whole-in-the-end';

export class Violation extends Error {
  constructor(
    readonly invariant: Invariant,
    detail: string,
  ) {
    super(`${invariant}: ${detail}`);
  }
}

/**
 * A node that runs but is neither heard nor answers may be evicted after 30 s of silence (R5), which begins
 * with its last poll: up to 5 s before its way was cut, and 2.5 s more for a poll that was held or lost.
 */
const UNREACHABLE_LONG = 22_000;

/**
 * How long after a member has grown silent a server asks its port at the latest, in milliseconds, and one second more, after
 * which the world notes that nobody can reach it.
 */
const ASKED_AFTER = 250 + 1_000;

/** Longest time without a leader when nothing but an election is in the way. */
const LONGEST_ELECTION = 40_000;

/** A single server writes what it hears once a second, in milliseconds, amply. */
const UNWRITTEN = 2_000;

/** Seconds in which a node that has its list polls again; an agent whose heartbeat was answered before is held for 5 s once more. */
const BETWEEN_POLLS = 6;
const BETWEEN_BEATS = 10;
/** A member whose polls stopped has given a sign of it after this time: the next one is late. */
const SIGN_OF_DEATH = 8_000;

/** How new a log is. */
type Log = Pick<Peer, 'lineage' | 'term' | 'index'>;

/** When something was said, on the lease clock: as its server may take it at the earliest, and in truth. */
export interface Said {
  readonly earliest: number;
  readonly latest: number;
}

/** How an address came off the list, to tell whether Raft could have followed. */
interface Removal {
  readonly left: boolean;
  /** Whether there was a leader at that moment; if it dies before the last node has seen it, that is an excuse. */
  readonly hadLeader: boolean;
  /** Why a phantom voter would be nobody's fault; undefined when it would be the server's. */
  excuse: string | undefined;
}

/**
 * Judges a world from outside, by what is true of the nodes, never by what the server believes.
 *
 * What physics excuses, each of it recognised from the truth alone:
 * - *majority lost for good*: of the listed voters, fewer than a majority still have their data, or all of them
 *   left before a joiner had become one, or R7 bootstrapped anew over all of them. From then on
 *   an operator must act (R6), which the end of a history does; until then a group without a leader, and one
 *   bootstrapped beside what is left of the old one, are excused. Everything else still holds.
 * - *a removal without a leader*: the address left (or so soon that no other node ever had it) or was evicted, and between that and the last node's seeing
 *   it the leader died, or so many of the others that it had no majority any more. Its eviction is only excused if the leader had given no sign of its death yet, or if a
 *   majority of the voters was down. A leave takes effect at once whatever the leader does (R4).
 * - *whom an operator's `recover` dropped* stays a voter until his `doctor --repair` has it removed, which the end of a history does.
 * - *a member that is alive in vain*: neither heard nor answering for 30 s (R5 cannot tell it from a dead one); and a leader that
 *   was so and died only then, so that the others have elected nobody yet.
 */
export class Invariants {
  majorityLost: string | undefined;
  /** Members that were dropped while they lived, for an excuse, or started too early: they need a restart (injury 2). */
  readonly droppedAlive = new Set<Address>();
  /** On the server's lease clock. */
  readonly #heardAt = new Map<Address, number>();
  readonly #toldAt = new Map<Address, number>();
  readonly #unhealthyAt = new Map<Address, number>();
  /** When a port was found refused, on the same clock. */
  readonly #refused = new Map<Address, number>();
  readonly #removals = new Map<Address, Removal>();
  readonly #epochOf = new Map<number, number>();
  readonly #lists = new Map<number, string>();
  #initialMembers: readonly Address[] = [];
  #leaderlessSince: number | undefined;
  /** For how many seconds in a row a node ran and whichever server it asked heard, since it joined; as long as matters. */
  readonly #audible = new Map<Address, number>();
  /** Since when a phantom has taken the majority of those listed. */
  #takenSince: number | undefined;
  /** Who led last, by a majority of its voters. */
  #lastLeader: Address | undefined;
  /** The newest log that a leader was seen to have. */
  #newest: Log | undefined;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** `starting`: its agent says that its Nacos does not run yet; `told`: to a server that can tell the others. */
  heard(address: Address, starting: boolean, told: boolean, { earliest, latest }: Said): void {
    const later = (times: ReadonlyMap<Address, number>, at: number): number =>
      Math.max(at, times.get(address) ?? -Infinity);
    this.#heardAt.set(address, later(this.#heardAt, latest));
    // A clock that several servers share may have been set back in between.
    const isNow = latest === this.#world.registry.hearing;
    if (isNow || latest >= (this.#refused.get(address) ?? Infinity)) this.#refused.delete(address);
    if (!told) return;
    this.#toldAt.set(address, later(this.#toldAt, earliest));
    if (starting) this.becameUnhealthy(address);
  }

  /** Its agent says that its Nacos cannot take part in Raft: a sign that whoever it was before has just died. */
  becameUnhealthy(address: Address): void {
    this.#unhealthyAt.set(address, this.#world.registry.hearing);
  }

  /**
   * What the server heard in its last moments, or knew of the dead and could not store (an outage, then a kill), it cannot know
   * any more.
   */
  restarted(): void {
    if (this.#world.database) return;
    const { cluster, hearing } = this.#world.registry;
    // Its clock goes on from what is stored of it, and after an outage is earlier than it was: all that was said is past.
    for (const times of [this.#heardAt, this.#toldAt, this.#unhealthyAt, this.#refused]) {
      for (const [address, at] of times) times.set(address, Math.min(at, hearing));
    }
    const { members } = cluster;
    for (const { address, lease } of members.values()) {
      const toldAt = this.#toldAt.get(address) ?? -Infinity;
      if (toldAt > lease.heardAt && toldAt > hearing - UNWRITTEN) this.#toldAt.set(address, lease.heardAt);
    }
    for (const address of [...this.#refused.keys()]) {
      if (members.get(address)?.presence !== 'down') this.#refused.delete(address);
    }
  }

  /** An open port takes back what a refused one said. */
  answered(address: Address): void {
    this.#refused.delete(address);
  }

  refused(address: Address): void {
    this.#refused.set(address, this.#world.registry.hearing);
  }

  /** Several servers know of a refused port what one of them has written (within a second, while it can). */
  #isKnownDead(address: Address): boolean {
    if (!this.#refused.has(address)) return false;
    return this.#world.database?.saysDown(address) ?? true;
  }

  served(node: Node, { list, revision }: Exclude<Answer, 'failed'>): void {
    const { address, mute } = node;
    const text = list.join(' ') || 'an empty list';
    if (!mute && !list.includes(address))
      throw new Violation('caller-not-listed', `${address} was given ${text}`);
    if (revision < node.revision) {
      throw new Violation(
        'went-back',
        `${address} had revision ${node.revision} and was given ${revision}: ${text}`,
      );
    }
    node.revision = revision;
    const before = this.#lists.get(revision) ?? text;
    if (before !== text) throw new Violation('forked', `revision ${revision} is ${before} and ${text}`);
    this.#lists.set(revision, text);
  }

  /**
   * A server that is cut off does not know that the address was taken off the list while the node was away, and gave it
   * the list before, for which the others wait (R9). The node finds itself a voter, does not ask to be added, and is
   * removed a little later: it needs another restart, as if it had been dropped.
   */
  began({ address }: Node): void {
    const { replicas, registry } = this.#world;
    if (replicas.length > 0 && !registry.cluster.members.has(address)) this.droppedAlive.add(address);
  }

  /** Whether the history says that the address left or was evicted. */
  hasGone(address: Address): boolean {
    return this.#removals.has(address);
  }

  /** The doctor removes a vote. */
  removes(address: Address): void {
    const { nodes, registry } = this.#world;
    if (nodes.get(address)?.state === 'running' && registry.cluster.members.has(address)) {
      throw new Violation('live-voter-removed', `${address} is listed and runs`);
    }
  }

  /** The list changed, or what decides about it. */
  changed(before: Cluster, after: Cluster, command: Command): void {
    if (after.quorumLost && !before.quorumLost) this.#judgeLoss(after);
    if (command.type === 'poll' && after.epoch === before.epoch) this.#judgeStrangers(before, after);
    const dropped = [...before.members.keys()].filter((address) => !after.members.has(address));
    const joined = [...after.members.keys()].filter((address) => !before.members.has(address));
    const isNewEpoch = after.epoch !== before.epoch;
    const isOwnWord = command.type === 'leave' && command.operator === undefined;
    const isLocked = before.repair !== undefined && before.repair.holder === after.repair?.holder;
    if (isLocked && after.revision !== before.revision && !isOwnWord) {
      throw new Violation(
        'changed-in-repair',
        `${before.repair.holder} was under way, and the list became another`,
      );
    }
    if (after.epoch < before.epoch || after.revision < before.revision) {
      throw new Violation('forked', `epoch ${after.epoch} was decided after epoch ${before.epoch}`);
    }
    if (isNewEpoch) this.#initialMembers = [...after.members.keys()];
    if (command.type === 'put' && !isNewEpoch) this.#judgePut(before, after);
    if (isNewEpoch && before.members.size > 0 && command.type !== 'recover') {
      this.majorityLost ??= 'all members were unreachable, and those waiting bootstrapped a new epoch (R7)';
    }
    const { expect = 1 } = this.#world.setup;
    if (isNewEpoch && before.members.size === 0 && command.type !== 'put' && after.members.size < expect) {
      throw new Violation(
        'bootstrapped-too-small',
        `${[...after.members.keys()].join(' ')} of ${expect} expected`,
      );
    }
    for (const address of joined) {
      this.#audible.delete(address);
      if (this.#removals.get(address)?.left && this.#world.nodes.get(address)?.state === 'stopping') {
        throw new Violation('left-and-listed', `${address} left, is stopping, and is listed again`);
      }
      this.#removals.delete(address);
    }
    const left = command.type === 'leave' ? command.address : undefined;
    const evicted = dropped.filter((address) => address !== left);
    if (command.type === 'leave' && left !== undefined && dropped.includes(left)) {
      // An operator's word about one that is not live, or late, is bound to what an eviction is bound to; a static member
      // is taken for live, whatever has become of it.
      const { source, presence } = before.members.get(left) ?? {};
      const quiet = this.#world.registry.hearing - (this.#heardAt.get(left) ?? 0);
      const isLive = source === 'static' || (presence === 'live' && quiet <= SIGN_OF_DEATH + this.#clockSkew);
      if (command.operator?.force === false && !isLive) {
        const went = `${left} was taken off with`;
        const error = (alive: string): Violation =>
          new Violation('evicted-without-majority', `${went} ${alive}`);
        this.#judgeQuorum(before, after, error);
        this.#removed(left, false, this.#evictionExcuse(left));
      } else this.#removed(left, true, this.#leaveExcuse(left));
    }
    if (evicted.length > 0) this.#evicted(before, after, evicted, isNewEpoch || command.type === 'recover');
    if (command.type === 'recover' && !isNewEpoch) {
      for (const address of evicted) this.#removed(address, false, 'an operator’s recover dropped it');
    }
    if (joined.length > 0 && !isNewEpoch && command.type !== 'recover') {
      if (before.members.size > 0) {
        const came = `${joined.join(' ')} came onto a list with`;
        this.#judgeQuorum(
          before,
          after,
          (alive) => new Violation('joined-without-majority', `${came} ${alive}`),
        );
      }
    }
  }

  /**
   * Whether a majority of a list is alive, as far as it can be known. Whom nobody can know to be a node Raft may have as a
   * voter all the same: several settled members are enough then, too, and a single one has no majority until the other
   * returns (R3).
   */
  #judgeQuorum({ members }: Cluster, after: Cluster, otherwise: (alive: string) => Violation): void {
    const listed = [...members.values()].map((member) => after.members.get(member.address) ?? member);
    const settled = listed.filter((member) => member.settled && member.source !== 'static');
    const hasSettled = listed.some((member) => member.settled);
    const areAllAlive = hasSettled && this.#alive(settled).length === settled.length;
    // One that lives is a member to the servers whose clock says that it is proven.
    const lives = (member: Member): boolean =>
      !this.#isUnproven(member, areAllAlive, false) && this.#alive([member]).length > 0;
    const proven = listed.filter((member) => !this.#isUnproven(member, areAllAlive, true) || lives(member));
    this.#judgeAlive(proven.length > 0 ? proven : listed, otherwise);
    if (listed.filter(({ settled }) => settled).length < 2) return;
    const votes = this.#world.raft.best()?.voters;
    const voters = listed.filter(
      ({ address }, i) =>
        proven.includes(listed[i]!) || (votes?.has(address) === true && this.#wasAudible(address)),
    );
    this.#judgeAlive(voters, otherwise);
  }

  /**
   * A static member counts as live by an operator's word, whatever has become of it; where that made the majority, Raft may
   * have none (moving.md).
   */
  #judgeAlive(all: readonly Member[], otherwise: (alive: string) => Violation): void {
    const alive = this.#alive(all);
    if (alive.length >= majority(all.length)) return;
    const fixed = all.filter(({ source, address }) => source === 'static' && !alive.includes(address));
    if (alive.length + fixed.length < majority(all.length)) {
      throw otherwise(`${alive.join(' ')} alive of ${all.map(({ address }) => address).join(' ')}`);
    }
    this.majorityLost ??= `an operator’s static members counted as live, and were not: ${fixed.map(({ address }) => address).join(' ')}`;
  }

  /**
   * A newcomer that was not heard again after it had the list, so that nobody can know whether it is a node; or not for 30 s,
   * while all that have settled live, or Raft may be seen to be without it. A stranger never is; where Raft is read, one that
   * votes is known to be one. `mayBe`: for whom a server may take for that; otherwise for whom every server must, which one that
   * cannot tell the others need not. The servers' clocks may be apart, and Raft is looked at every 3 s.
   */
  #isUnproven({ address, settled, source, joinedAt }: Member, areAllAlive: boolean, mayBe: boolean): boolean {
    if (settled || source === 'static') return false;
    const { setup, raft, registry } = this.#world;
    const heardAt = (mayBe ? this.#toldAt : this.#heardAt).get(address) ?? -Infinity;
    const votes = this.#world.isSeenToVote(address);
    // What was read is used for 15 s, a leader that has died since included.
    const isOutside = mayBe && setup.reads === true && raft.best()?.voters.has(address) === false;
    const slack = mayBe ? this.#clockSkew : -this.#clockSkew;
    const isLong = (areAllAlive || isOutside) && registry.hearing - heardAt >= REPLACED_EVICT_AFTER - slack;
    return (isLong || heardAt < joinedAt + HEARD_AGAIN + slack) && !votes;
  }

  /** To put one that has not settled beside one that is dead is an operator's word against R3. */
  #judgePut(before: Cluster, after: Cluster): void {
    const all = [...after.members.values()];
    const hurried = all.filter(({ address }) => before.members.get(address)?.settled === false);
    const isDead = ({ address }: Member): boolean => this.#world.nodes.get(address)?.state !== 'running';
    if (hurried.length === 0 || !all.some(isDead)) return;
    this.majorityLost ??= `an operator put ${hurried.map(({ address }) => address).join(' ')} before they had settled, beside a dead one`;
  }

  /** Those that can only be strangers never become half of a list, but beside one. */
  #judgeStrangers(before: Cluster, after: Cluster): void {
    const { strangers } = this.#world;
    const others = [...after.members.keys()].filter((address) => strangers.has(address));
    if (after.members.size <= before.members.size || others.length < 2) return;
    if (2 * others.length < after.members.size) return;
    throw new Violation('lost-to-strangers', `${others.join(' ')} are half of ${after.members.size} members`);
  }

  /**
   * With all its own nodes alive, more than the strangers are, a cluster has its majority; and with a majority of its own,
   * as long as the strangers were not heard again. That one which they may take is back after half a minute is seen in the
   * end. Nodes that joined only just are judged by the other invariants.
   */
  #judgeLoss({ members }: Cluster): void {
    const { strangers } = this.#world;
    const all = [...members.values()];
    const own = all.filter(({ address }) => !strangers.has(address));
    const others = all.filter(({ address }) => strangers.has(address));
    if (others.length === 0 || own.length === 0 || own.some(({ settled }) => !settled)) return;
    // As many as have settled that may be voters which died, since a settled member has left (R3).
    const again = others.filter((member) => !this.#isUnproven(member, false, false)).length;
    if (own.length > 1 && own.length < majority(own.length + again)) return;
    // As the server sees them: what it does not hear it loses without any stranger.
    const alive = own.filter(({ presence }) => presence === 'live');
    const areUnproven = others.every((member) =>
      this.#isUnproven(member, alive.length === own.length, false),
    );
    if (alive.length < (areUnproven ? majority(own.length) : own.length)) return;
    if (!areUnproven && own.length <= others.length) return;
    throw new Violation(
      'lost-to-strangers',
      `${alive.length} of ${own.length} nodes are alive beside ${others.map(({ address }) => address).join(' ')}`,
    );
  }

  #evicted(before: Cluster, after: Cluster, evicted: readonly Address[], all: boolean): void {
    const { nodes } = this.#world;
    for (const address of evicted) {
      const node = nodes.get(address);
      if (!node || (node.state !== 'running' && node.state !== 'stopping')) continue;
      if (!this.#isUnreachable(node)) {
        throw new Violation('live-member-dropped', `${address} is alive and was taken off the list`);
      }
      this.droppedAlive.add(address);
    }
    if (all) return;
    const went = `${evicted.join(' ')} went with`;
    if (evicted.length > 1) throw new Violation('evicted-without-majority', `${went} one another`);
    this.#judgeQuorum(
      before,
      after,
      (alive) => new Violation('evicted-without-majority', `${went} ${alive}`),
    );
    for (const address of evicted) {
      this.#removed(address, false, this.#evictionExcuse(address));
    }
  }

  /** Whether R5 cannot tell a node that runs from a dead one: neither heard nor to be probed for so long. */
  #isUnreachable({ darkSince, reachedAt }: Node): boolean {
    const { now } = this.#world;
    if (darkSince === undefined) return false;
    if (now - darkSince >= UNREACHABLE_LONG) return true;
    // Its polls were lost before; nobody asked its port, which was open, since it was not silent for a TTL yet.
    const wasAsked = darkSince - reachedAt > RULES.memberTtl + ASKED_AFTER + this.#clockSkew;
    return !wasAsked && now - reachedAt >= REPLACED_EVICT_AFTER - 1_000 - this.#clockSkew;
  }

  #removed(address: Address, left: boolean, excuse: string | undefined): void {
    const hadLeader = this.#world.raft.workingLeader() !== undefined;
    this.#removals.set(address, { left, hadLeader, excuse });
  }

  /** Whether another running node has the address on its list, and so will have it removed once it is not. */
  #isSeen(address: Address): boolean {
    return [...this.#world.nodes.values()].some(
      (node) => node.address !== address && node.state === 'running' && node.list.includes(address),
    );
  }

  /** A node died: if it was the last to have seen an address that is off the list, nobody removes that now. */
  died(node: Node): void {
    for (const [address, removal] of this.#removals) {
      if (address === node.address || !removal.hadLeader || !node.list.includes(address)) continue;
      if (!this.#isSeen(address)) removal.excuse ??= 'the last who would have it removed died first';
    }
  }

  /** A node saw addresses vanish, and nobody could remove them from Raft. */
  removalFailed(addresses: readonly Address[]): void {
    for (const address of addresses) {
      const removal = this.#removals.get(address);
      if (removal?.hadLeader) removal.excuse ??= 'the leader died before the removal reached it';
    }
  }

  /** Who was heard lately and is not known to be dead: all that can be known of life. */
  #alive(members: Iterable<Member>): Address[] {
    const { registry, nodes } = this.#world;
    const { hearing } = registry;
    return [...members]
      .filter(({ address, source }) => {
        // One that an operator put and that polls without `self` is never heard.
        const node = nodes.get(address);
        if (source === 'static' && node?.mute === true) return node.state === 'running';
        const quiet = hearing - (this.#heardAt.get(address) ?? 0);
        return !this.#isKnownDead(address) && quiet < RULES.memberTtl + this.#clockSkew;
      })
      .map(({ address }) => address);
  }

  /** Between the servers' own clocks and the one they share, which may add this much at once after a gap. */
  get #clockSkew(): number {
    return this.#world.database ? 3_000 : 0;
  }

  #leaveExcuse(address: Address): string | undefined {
    const { raft } = this.#world;
    if (!this.#isSeen(address))
      return 'it left before any other node had it on its list, so none will remove it';
    const leader = raft.workingLeader();
    if (!leader) return 'it left while there was no leader';
    const rest = [...leader.voters].filter((voter) => voter !== address);
    return rest.length > 0 && this.#up(rest).length < majority(rest.length)
      ? 'it left while too few of the others ran'
      : undefined;
  }

  /** Why Raft could not make a removal that was decided now, and the rules not know it. */
  #evictionExcuse(address: Address): string | undefined {
    const { raft, registry, now } = this.#world;
    // Of those that an operator put and that poll without `self` nobody knows which list they have.
    const isStatic = [...registry.cluster.members.values()].some(({ source }) => source === 'static');
    if (isStatic && !this.#isSeen(address)) return 'no other node had it on its list';
    if (raft.workingLeader()) return undefined;
    const all = [...(raft.best()?.voters ?? [])];
    // Phantoms that are the server's fault excuse nothing further.
    const voters = all.filter((voter) => {
      const removal = this.#removals.get(voter);
      return removal === undefined || removal.excuse !== undefined;
    });
    const isDead = (voter: Address): boolean => raft.peers.get(voter)?.up !== true;
    // R5 waits for 30 s after the last sign of life of whoever may have led and gave a sign of its death.
    const isRecent = (voter: Address): boolean =>
      voter !== address &&
      registry.cluster.members.has(voter) &&
      isDead(voter) &&
      registry.hearing - (this.#toldAt.get(voter) ?? -Infinity) < REPLACED_EVICT_AFTER - this.#clockSkew;
    if (voters.some((voter) => isRecent(voter) && this.#gaveSign(voter))) return undefined;
    if (this.#up(voters).length < majority(voters.length)) return 'a majority of the voters was down';
    if (this.#up(all).length >= majority(all.length) && !raft.canElect()) {
      return 'those that ran had logs from before the others were added, and could not elect one another';
    }
    // Of those that died before, the others have elected a successor, which may have died since.
    const leader = this.#lastLeader;
    // Or is back already, and the others have not elected one yet.
    const isBack =
      leader !== undefined && now - (raft.peers.get(leader)?.upSince ?? -Infinity) <= LONGEST_ELECTION;
    if (leader === undefined || (!isDead(leader) && !isBack)) return undefined;
    if (!this.#gaveSign(leader)) return 'the leader had died without a sign';
    // It led on where no server heard it or reached its port, for so long that R5 takes whoever is there for dead.
    const { darkAtDeath = now, diedAt = -Infinity } = this.#world.nodes.get(leader) ?? {};
    const wasDark = now - darkAtDeath >= UNREACHABLE_LONG && now - diedAt < LONGEST_ELECTION;
    return wasDark ? 'the leader had died in the dark' : undefined;
  }

  /** Whether the rules can know that a member may be dead; whoever was never heard, since an operator put it, gives no sign. */
  #gaveSign(address: Address): boolean {
    const { hearing } = this.#world.registry;
    const quiet = hearing - (this.#heardAt.get(address) ?? hearing);
    const becameUnhealthy = hearing - (this.#unhealthyAt.get(address) ?? -Infinity);
    // What its agent says counts for as long as it is not silent: then an open port may speak for it.
    const saidSo =
      becameUnhealthy < REPLACED_EVICT_AFTER - this.#clockSkew && quiet < RULES.memberTtl - this.#clockSkew;
    return this.#isKnownDead(address) || quiet > SIGN_OF_DEATH || saidSo;
  }

  #up(addresses: readonly Address[]): Address[] {
    return addresses.filter((address) => this.#world.raft.peers.get(address)?.up);
  }

  bootstrapped(lineage: Lineage): void {
    this.judgeMajority();
    const { epoch } = this.#world.registry.cluster;
    const rival = [...this.#epochOf.values()].includes(epoch);
    this.#epochOf.set(lineage.id, epoch);
    if (rival && this.majorityLost === undefined) {
      throw new Violation(
        'disjoint-groups',
        `${lineage.leader} leads a second group of the same epoch, of ${[...lineage.voters].join(' ')}`,
      );
    }
  }

  clash(leader: Peer, voter: Peer): void {
    const isOfOldEpoch = this.#epochOf.get(leader.lineage) !== this.#epochOf.get(voter.lineage);
    if (this.majorityLost === undefined && !isOfOldEpoch) {
      throw new Violation('disjoint-groups', `${leader.address} met ${voter.address} with other data`);
    }
  }

  /** What a majority had confirmed is lost when one of it comes back blank and votes for one that was away. */
  overtaken(leader: Peer, voter: Peer): void {
    this.majorityLost ??= `${leader.address} was elected by one that had lost its data, and lacks what ${voter.address} has`;
  }

  /** Whether a majority was lost for good; once it was, it stays so for the history. */
  judgeMajority(): void {
    if (this.majorityLost !== undefined) return;
    const { raft, registry, nodes } = this.#world;
    const { epoch, members } = registry.cluster;
    if (epoch === 0 || members.size === 0) return;
    const best = raft.best();
    const led = this.#newest;
    if (led && this.#epochOf.get(led.lineage) === epoch && (!best || isOlder(best, led))) {
      this.majorityLost = 'all that had the newest data lost it';
      return;
    }
    const hasRaft = best !== undefined && this.#epochOf.get(best.lineage) === epoch;
    if (!hasRaft && [...this.#epochOf.values()].includes(epoch)) {
      this.majorityLost = 'nobody had data any more';
      return;
    }
    const voters = hasRaft ? [...best.voters] : this.#initialMembers;
    const listed = voters.filter((voter) => members.has(voter));
    // One that left or was evicted while nobody could remove it, and is gone, still counts in Raft, and holds nothing.
    const isLost = (voter: Address): boolean => {
      const removal = this.#removals.get(voter);
      const stays = removal?.left === true || removal?.excuse !== undefined;
      return stays && nodes.get(voter)?.gone !== false;
    };
    const concerned = voters.filter((voter) => members.has(voter) || isLost(voter));
    if (listed.length === 0) {
      // Or all but those that had died, were evicted, and could not be removed, so that who leaves was the last that ran.
      const removals = voters.map((voter) => this.#removals.get(voter));
      const isOver = removals.every((removal) => removal?.left === true || removal?.excuse !== undefined);
      if (isOver && removals.some((removal) => removal?.left)) {
        this.majorityLost = `all voters left, or could not be removed: ${voters.join(' ')}`;
      }
      return;
    }
    // Data counts with those who could still elect somebody that has the last configuration: JRaft ignores a
    // candidate whom the voter's own configuration does not hold.
    const newest = [...raft.peers.values()].filter(
      ({ lineage, term, index }) => lineage === best?.lineage && term === best.term && index === best.index,
    );
    const holders = concerned.filter((voter) => {
      if (isLost(voter)) return false;
      if (!hasRaft) return nodes.get(voter)?.gone === false;
      const peer = raft.peers.get(voter);
      return (
        peer?.lineage === best.lineage &&
        newest.some((other) => other === peer || peer.voters.has(other.address))
      );
    });
    if (holders.length < majority(concerned.length)) {
      this.majorityLost = `of the voters ${concerned.join(' ')} only ${holders.join(' ') || 'none'} still had data`;
    }
  }

  /** Whether a poll of the process that last ran there fell into a time in which a server could hear it; a stranger sends none. */
  #wasAudible(address: Address): boolean {
    const enough = this.#world.setup.agents ? BETWEEN_BEATS : BETWEEN_POLLS;
    return !this.#world.nodes.has(address) || (this.#audible.get(address) ?? 0) >= enough;
  }

  #noteAudible(): void {
    const { nodes, servers, replicas, database } = this.#world;
    // The balancer does not know who is stopped or cut off, and may give a node none but those.
    const there = servers.filter(({ state }) => state !== 'down');
    const areUp = there.every(({ state, lack }) => state === 'up' && lack === undefined);
    const isTold = replicas.every(({ id, state }) => state === 'down' || database?.reach(id) === 'ok');
    const isHeard = there.length > 0 && areUp && isTold;
    for (const { address, state, cut } of nodes.values()) {
      if (this.#wasAudible(address)) continue;
      const counts = isHeard && state === 'running' && cut === undefined;
      this.#audible.set(address, counts ? (this.#audible.get(address) ?? 0) + 1 : 0);
    }
  }

  /** Once a second. */
  second(): void {
    const { raft, registry, now } = this.#world;
    this.#noteAudible();
    this.judgeMajority();
    const leader = raft.workingLeader();
    if (leader) {
      this.#lastLeader = leader.address;
      this.#newest = { lineage: leader.lineage, term: leader.term, index: leader.index };
    }
    const best = raft.best();
    if (leader || !best) {
      this.#leaderlessSince = undefined;
      return;
    }
    if (this.majorityLost !== undefined || this.#epochOf.get(best.lineage) !== registry.cluster.epoch) return;
    const listed = [...best.voters].filter((voter) => registry.cluster.members.has(voter));
    const stable = listed.filter((voter) => {
      const peer = raft.peers.get(voter);
      if (peer?.up !== true || now - peer.upSince <= LONGEST_ELECTION) return false;
      // A blank one may have been sent the list before the newest, and does not vote for who is only on that.
      return peer.lineage !== 0 || this.#world.database === undefined;
    });
    // One that left and stopped while those who would have it removed could not poll is nobody's fault either; nor is
    // an eviction that was decided while there was a leader and has reached nobody yet: the server was stopped or cut off
    // just then, and whoever died since takes the majority of voters that the list does not show any more.
    // One that was evicted while it was starting, neither heard nor answering, makes itself a voter all the same.
    const excused = [...best.voters].some((voter) => {
      const removal = this.#removals.get(voter);
      if (removal !== undefined && this.droppedAlive.has(voter)) return true;
      if (removal?.excuse !== undefined) return true;
      const isLate = removal !== undefined && (removal.left || removal.hadLeader);
      return isLate && this.#isSeen(voter);
    });
    // A majority of all voters runs, and some have a log from before others were added, for whom they do not vote.
    const isApart = stable.length >= majority(best.voters.size) && !raft.canElect();
    this.#judgePhantoms(best, listed);
    if (stable.length < majority(listed.length) || excused || isApart) {
      this.#leaderlessSince = undefined;
      return;
    }
    this.#leaderlessSince ??= now;
    if (now - this.#leaderlessSince < LONGEST_ELECTION) return;
    throw new Violation(
      'leaderless',
      `${stable.join(' ')} run and are listed, but the voters are ${[...best.voters].join(' ')}`,
    );
  }

  /**
   * A voter whom nobody can remove, and by nobody's fault, may take the majority that the list shows. Those that join then
   * are not added, and settle by time alone where Raft cannot be read.
   */
  #judgePhantoms(best: Peer, listed: readonly Address[]): void {
    const { now } = this.#world;
    const isTaken =
      this.#up([...best.voters]).length < majority(best.voters.size) &&
      this.#up(listed).length >= majority(listed.length) &&
      [...best.voters].some((voter) => this.#removals.get(voter)?.excuse !== undefined);
    this.#takenSince = isTaken ? (this.#takenSince ?? now) : undefined;
    if (this.#takenSince === undefined || now - this.#takenSince < RULES.settleAfter) return;
    this.majorityLost = `nobody could remove a voter, and without it too few of ${[...best.voters].join(' ')} run`;
  }

  /**
   * Whether an operator has to act: a recovered list awaits its repair, a log is left over from an epoch of which all else is gone, a majority of the voters lost its data, a majority of the list is gone for
   * good (a joiner may have died before it became a voter, which the server cannot know), the server says that the
   * quorum is lost and some of the list is gone for good, or phantoms that are nobody's fault.
   */
  get needsOperator(): boolean {
    const { registry, nodes, raft } = this.#world;
    // What strangers leave on the list is the server's to take off.
    const listed = [...registry.cluster.members.values()].filter(({ address }) => nodes.has(address));
    // But where as many as have settled may be voters that died, since a settled member has left (R3).
    const settled = [...registry.cluster.members.values()].filter((member) => member.settled).length;
    const others = registry.cluster.members.size - listed.length;
    const areOutnumbered = settled > 1 && settled < majority(settled + others);
    const isGone = (some: readonly { readonly address: Address }[]): boolean =>
      some.length > 0 &&
      some.filter(({ address }) => nodes.get(address)?.gone === false).length < majority(some.length);
    // All had left, and one that had crashed before comes back with a log of that time, and its voters.
    const best = raft.best();
    const isLeftOver =
      registry.cluster.epoch > 1 &&
      best !== undefined &&
      (isGone([...best.voters].map((address) => ({ address }))) ||
        (this.#epochOf.get(best.lineage) !== registry.cluster.epoch && this.#phantoms().length > 0));
    return (
      this.majorityLost !== undefined ||
      registry.cluster.awaitsRepair ||
      isLeftOver ||
      isGone(listed) ||
      (registry.cluster.quorumLost && areOutnumbered) ||
      (registry.cluster.quorumLost && listed.some(({ address }) => nodes.get(address)?.gone !== false)) ||
      this.#phantoms().some(({ excuse }) => excuse !== undefined)
    );
  }

  /** Voters that do not run: of the group, or of those who have not yet elected anybody. */
  #phantoms(): { address: Address; excuse: string | undefined }[] {
    const { raft, nodes } = this.#world;
    const best = raft.best();
    const voters = new Set(best ? best.voters : [...raft.peers.values()].flatMap((peer) => [...peer.voters]));
    return [...voters]
      .filter((voter) => nodes.get(voter)?.state !== 'running')
      .map((address) => ({ address, excuse: this.#removals.get(address)?.excuse }));
  }

  /** What is still wrong after the end of all disturbances; undefined when nothing is. */
  unfinished(): string | undefined {
    const { raft, registry, nodes } = this.#world;
    const all = [...nodes.values()].filter((node) => !node.gone);
    const off = all.filter((node) => node.state !== 'running').map(({ address }) => address);
    if (off.length > 0) return `${off.join(' ')} could not start`;
    const live = all.map(({ address }) => address);
    const listed = [...registry.cluster.members.keys()];
    if (!isSameSet(listed, live)) return `the list is ${listed.join(' ')}, alive are ${live.join(' ')}`;
    if (live.length === 0) return undefined;
    const leader = raft.workingLeader();
    if (!leader)
      return `${live.join(' ')} have no leader, voters ${[...(raft.best()?.voters ?? [])].join(' ')}`;
    const strangers = this.#phantoms().filter(({ excuse }) => excuse === undefined);
    if (strangers.length > 0) {
      return `phantom voters ${strangers.map(({ address }) => address).join(' ')}`;
    }
    const voteless = live.filter((address) => raft.leaderOf(address) !== leader);
    if (voteless.length > 0) return `${voteless.join(' ')} have no vote`;
    return this.#disagreement();
  }

  /** After a quiet time all servers have and send the same. */
  #disagreement(): string | undefined {
    const { replicas, registry } = this.#world;
    for (const { id, serves } of replicas) {
      const { list, isPending, newest } = serves;
      if (isPending) return `${id} waits for another server to have revision ${newest.revision}`;
      const has = list?.revision ?? 'nothing';
      if (has !== registry.cluster.revision)
        return `${id} sends revision ${has} of ${registry.cluster.revision}`;
    }
    return undefined;
  }
}

function isOlder(a: Log, b: Log): boolean {
  return (
    a.lineage < b.lineage ||
    (a.lineage === b.lineage && (a.term < b.term || (a.term === b.term && a.index < b.index)))
  );
}

function isSameSet(a: readonly Address[], b: readonly Address[]): boolean {
  return a.length === b.length && a.every((one) => b.includes(one));
}
