import type { Address } from '../registry/address.js';
import { emptyCluster, type Cluster, type ClusterKey } from '../registry/cluster.js';
import type { RaftEvidence } from '../registry/evidence.js';
import { deliver } from '../registry/lease.js';
import { mayJoin } from '../registry/agreement.js';
import { isAnyBehind } from '../registry/replicas.js';
import { MemberNotes } from './member-notes.js';

/**
 * One cluster as the server holds it: its latest state, and who waits for the next. The same object serves a
 * cluster for as long as the server knows it, so a connection may keep it.
 */
export class ServedCluster {
  #cluster: Cluster;
  /** What is sent: the cluster itself, one from before it, or nothing. */
  #sent: Cluster | undefined;
  #stamp = 0;
  #evidence: RaftEvidence | undefined;
  #raftProblems = 0;
  #dropped: ReadonlySet<Address> | undefined;
  /** The highest revision that a node was heard to have and this registry never had; 0 for none. */
  #ahead = 0;
  readonly #watchers = new Set<() => void>();
  readonly #problems = new MemberNotes();
  readonly #unprobed = new MemberNotes();

  constructor(key: ClusterKey) {
    this.#cluster = emptyCluster(key);
    this.#sent = this.#cluster;
  }

  /** As it was last decided. */
  get cluster(): Cluster {
    return this.#cluster;
  }

  /** Whether the list is not released: another server may not have it yet. */
  get isPending(): boolean {
    return this.#sent !== this.#cluster;
  }

  /** The revision that members are sent; undefined when it is not known here. */
  get servedRevision(): number | undefined {
    return this.#sent?.revision;
  }

  /** Another number after every change and delivery: what is seen of the cluster may differ then. */
  get stamp(): number {
    return this.#stamp;
  }

  /**
   * A decision takes these off the list and is being stored, which takes a stalled disk as long as it likes. Returns what is
   * to be called when it is stored or has failed.
   */
  dropping(addresses: ReadonlySet<Address>): () => void {
    this.#dropped = addresses;
    return () => {
      if (this.#dropped === addresses) this.#dropped = undefined;
    };
  }

  /** Whether a member is on the list only until that is stored: what it would be sent now would not hold. */
  isDropped(address: Address): boolean {
    return this.#dropped?.has(address) ?? false;
  }

  /** Whether somebody waits for a change. */
  get isWatched(): boolean {
    return this.#watchers.size > 0;
  }

  /** `sent`: see ClusterListener.changed. */
  replace(cluster: Cluster, sent: Cluster | undefined): void {
    if (cluster === this.#cluster && sent === this.#sent) return;
    this.#cluster = cluster;
    this.#sent = sent;
    this.#problems.keep(cluster);
    this.#unprobed.keep(cluster);
    this.#wake();
  }

  /** Another server may have sent a list that is newer than the one that was sent here. */
  distrust(): void {
    this.#sent = undefined;
    this.#stamp++;
  }

  /**
   * The list to send: the newest that all servers may send, but the newest of all to an address that is on that alone, when it
   * is the only change since and no member may have an even older list. Undefined when there is none to send now: also for
   * one that was on a list of an earlier epoch, which would start as a member of a cluster that is over.
   */
  listFor(address: Address | undefined): Cluster | undefined {
    const sent = this.#sent;
    if (!this.isPending || sent === undefined) return sent;
    const newest = this.#cluster;
    if (address === undefined || (sent.members.has(address) && sent.epoch === newest.epoch)) return sent;
    // A cluster that comes after one that has ended is bootstrapped for all at once.
    if (sent.members.size === 0) return undefined;
    return mayJoin(sent, newest) && !isAnyBehind(sent, newest) ? newest : undefined;
  }

  /** What Raft was last seen to believe; undefined when its nodes cannot be read. */
  get evidence(): RaftEvidence | undefined {
    return this.#evidence;
  }

  /** How many things were found that last and harm the cluster. */
  get raftProblems(): number {
    return this.#raftProblems;
  }

  /** The nodes were read. */
  examined(evidence: RaftEvidence | undefined, raftProblems: number): void {
    this.#evidence = evidence;
    this.#raftProblems = raftProblems;
    this.#wake();
  }

  /** A member's agent says that its Nacos does not answer: a sentence how that shows. */
  markUnhealthy(address: Address, sentence: string, now: number): void {
    if (this.#cluster.members.has(address)) this.#problems.note(address, sentence, now);
  }

  /** It answers again. */
  markHealthy(address: Address): void {
    this.#problems.forget(address);
  }

  /** What a member's agent last said of its Nacos, at most `within` milliseconds ago. */
  problemOf(address: Address, now: number, within: number): string | undefined {
    return this.#problems.of(address, now, within);
  }

  /** Whether a member is dead could not be told from here: a clause why. Undefined when it could. */
  probed(address: Address, why: string | undefined, now: number): void {
    if (why === undefined) this.#unprobed.forget(address);
    else if (this.#cluster.members.has(address)) this.#unprobed.note(address, why, now);
  }

  /** Why it could not be told whether a member is dead, at most `within` milliseconds ago. */
  unprobedOf(address: Address, now: number, within: number): string | undefined {
    return this.#unprobed.of(address, now, within);
  }

  /** A node has a revision that there never was here; true when it is the first to say so. */
  isSetBack(revision: number): boolean {
    if (revision <= this.#ahead) return false;
    const isFirst = this.#ahead <= this.#cluster.revision;
    this.#ahead = revision;
    return isFirst;
  }

  /** The list of a revision was sent to a member, or its agent says that its Nacos has it. */
  delivered(address: Address, revision: number, now: number): void {
    const lease = this.#cluster.members.get(address)?.lease;
    if (!lease || lease.delivered >= revision) return;
    deliver(lease, revision, now);
    this.#wake();
  }

  /**
   * Resolves with true as soon as `met` holds, which is asked again after every change and delivery; with false
   * after `timeout` milliseconds or when the signal aborts. What depends on the time too is asked again every
   * `every` milliseconds.
   */
  until(
    met: (cluster: Cluster) => boolean,
    timeout: number,
    signal?: AbortSignal,
    every?: number,
  ): Promise<boolean> {
    if (met(this.#cluster)) return Promise.resolve(true);
    if (signal?.aborted || timeout <= 0) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end = (result: boolean): void => {
        clearTimeout(timer);
        clearInterval(again);
        this.#watchers.delete(check);
        signal?.removeEventListener('abort', giveUp);
        resolve(result);
      };
      const giveUp = (): void => end(false);
      const check = (): void => {
        if (met(this.#cluster)) end(true);
      };
      const timer = setTimeout(giveUp, timeout);
      const again = every === undefined ? undefined : setInterval(check, every);
      this.#watchers.add(check);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }

  #wake(): void {
    this.#stamp++;
    for (const check of [...this.#watchers]) check();
  }
}
