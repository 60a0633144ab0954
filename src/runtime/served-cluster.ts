import type { Address } from '../registry/address.js';
import { emptyCluster, type Cluster, type ClusterKey } from '../registry/cluster.js';
import type { RaftEvidence } from '../registry/evidence.js';
import { deliver } from '../registry/lease.js';
import { mayJoin } from '../registry/agreement.js';
import { isAnyBehind } from '../registry/replicas.js';
import { MemberNotes } from './member-notes.js';

/**
 * One cluster as the server holds it: its latest state, and the callers that wait for the next. The object
 * stays the same for as long as the server knows the cluster, so a connection may keep it.
 */
export class ServedCluster {
  #cluster: Cluster;
  /** The version that is sent: the cluster itself, an earlier one, or none. */
  #sent: Cluster | undefined;
  #stamp = 0;
  #evidence: RaftEvidence | undefined;
  #raftProblems = 0;
  #dropped: ReadonlySet<Address> | undefined;
  /** The highest revision that a node reported and this registry never had; 0 for none. */
  #ahead = 0;
  readonly #watchers = new Set<() => void>();
  readonly #problems = new MemberNotes();
  readonly #unprobed = new MemberNotes();

  constructor(key: ClusterKey) {
    this.#cluster = emptyCluster(key);
    this.#sent = this.#cluster;
  }

  /** The cluster as it was last decided. */
  get cluster(): Cluster {
    return this.#cluster;
  }

  /** True while the newest list is not released: another server may not have it yet. */
  get isPending(): boolean {
    return this.#sent !== this.#cluster;
  }

  /** The revision that members are sent; undefined when this server does not know it. */
  get servedRevision(): number | undefined {
    return this.#sent?.revision;
  }

  /** Changes with every change and delivery, after which views of the cluster may differ. */
  get stamp(): number {
    return this.#stamp;
  }

  /**
   * Marks members whose removal is decided and being stored, for which a stalled disk may take any time. Call
   * the returned function when it is stored or has failed.
   */
  dropping(addresses: ReadonlySet<Address>): () => void {
    this.#dropped = addresses;
    return () => {
      if (this.#dropped === addresses) this.#dropped = undefined;
    };
  }

  /** Whether a member's removal is being stored: a list sent to it now would soon be wrong. */
  isDropped(address: Address): boolean {
    return this.#dropped?.has(address) ?? false;
  }

  /** Whether a caller waits for a change. */
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

  /** Sends no list for now: another server may have sent a newer one than this server did. */
  distrust(): void {
    this.#sent = undefined;
    this.#stamp++;
  }

  /**
   * The list to send: the newest that all servers may send. An address that is only on the newest list of all
   * gets that one, when it is the only change since and no member may have an even older list. Undefined when
   * there is none to send now, also to an address on a list of an earlier epoch, which would start as a
   * member of a cluster that has ended.
   */
  listFor(address: Address | undefined): Cluster | undefined {
    const sent = this.#sent;
    if (!this.isPending || sent === undefined) return sent;
    const newest = this.#cluster;
    if (address === undefined || (sent.members.has(address) && sent.epoch === newest.epoch)) return sent;
    // After a cluster has ended, the next one is bootstrapped for all its members at once.
    if (sent.members.size === 0) return undefined;
    return mayJoin(sent, newest) && !isAnyBehind(sent, newest) ? newest : undefined;
  }

  /** What Raft was last seen to believe; undefined when its nodes cannot be read. */
  get evidence(): RaftEvidence | undefined {
    return this.#evidence;
  }

  /** How many lasting findings harm the cluster. */
  get raftProblems(): number {
    return this.#raftProblems;
  }

  /** Takes a new reading of the nodes' Raft state, and the number of lasting findings that harm. */
  examined(evidence: RaftEvidence | undefined, raftProblems: number): void {
    this.#evidence = evidence;
    this.#raftProblems = raftProblems;
    this.#wake();
  }

  /** Notes that a member's agent reports a Nacos that does not answer; `sentence` is the symptom. */
  markUnhealthy(address: Address, sentence: string, now: number): void {
    if (this.#cluster.members.has(address)) this.#problems.note(address, sentence, now);
  }

  /** Notes that the member's Nacos answers again. */
  markHealthy(address: Address): void {
    this.#problems.forget(address);
  }

  /** The problem that a member's agent last reported, at most `within` milliseconds ago. */
  problemOf(address: Address, now: number, within: number): string | undefined {
    return this.#problems.of(address, now, within);
  }

  /** Notes why a probe could not show whether a member is dead: a clause, or undefined when it could. */
  probed(address: Address, why: string | undefined, now: number): void {
    if (why === undefined) this.#unprobed.forget(address);
    else if (this.#cluster.members.has(address)) this.#unprobed.note(address, why, now);
  }

  /** Why no probe could show whether a member is dead, noted at most `within` milliseconds ago. */
  unprobedOf(address: Address, now: number, within: number): string | undefined {
    return this.#unprobed.of(address, now, within);
  }

  /** Notes a revision of a node that this registry never had. True for the first such report. */
  isSetBack(revision: number): boolean {
    if (revision <= this.#ahead) return false;
    const isFirst = this.#ahead <= this.#cluster.revision;
    this.#ahead = revision;
    return isFirst;
  }

  /** Notes that a member was sent the list of a revision, or that its agent reports that revision. */
  delivered(address: Address, revision: number, now: number): void {
    const lease = this.#cluster.members.get(address)?.lease;
    if (!lease || lease.delivered >= revision) return;
    deliver(lease, revision, now);
    this.#wake();
  }

  /**
   * Resolves with true as soon as `met` holds, which is checked after every change and delivery; with false
   * after `timeout` milliseconds or when the signal aborts. Give `every`, in milliseconds, for a condition
   * that also depends on time.
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
