import type { Address } from './address.js';
import type { Cluster } from './cluster.js';
import type { RegistryEvent } from './events.js';
import type { RuleContext } from './rule-context.js';

/** What can be asked of a cluster, and what comes of it. */

export type Command =
  /** A Nacos node polls, or somebody sends a heartbeat for it. */
  | {
      readonly type: 'poll';
      readonly address: Address;
      readonly source: 'poll' | 'heartbeat';
      readonly id?: string | undefined;
      /** 1 to {@link MAX_EXPECT}. */
      readonly expect?: number | undefined;
      /** A heartbeat's word: the revision that its Nacos has, 0 for none yet. */
      readonly revision?: number | undefined;
      /** A heartbeat's word: its Nacos has been started and has not answered yet. */
      readonly starting?: boolean | undefined;
      /** When the connection that carries it was opened, on the lease clock. */
      readonly connectedAt: number;
    }
  /** A member's agent says that its Nacos does not answer, and how it shows. */
  | { readonly type: 'unhealthy'; readonly address: Address; readonly problem: string }
  /** A held poll's connection ended before its answer: the caller is gone. */
  | { readonly type: 'abandon'; readonly address: Address }
  /** A member's own word, or an operator's. The node is stopped `wait` milliseconds later at the latest. */
  | {
      readonly type: 'leave';
      readonly address: Address;
      readonly wait?: number;
      /** It is an operator's, which is refused when it would harm, unless by `force`. */
      readonly operator?: { readonly force: boolean } | undefined;
    }
  /** Members that stay until deleted. */
  | { readonly type: 'put'; readonly addresses: readonly Address[] }
  | { readonly type: 'delete'; readonly addresses: readonly Address[] }
  /** The whole cluster is given up: nobody of it lives. */
  | { readonly type: 'forget' }
  /** Static members that make themselves heard become leased ones. */
  | { readonly type: 'adopt' }
  /** Somebody repairs Raft: takes the lock, says what it has done (nothing in an empty note), or that it is over. */
  | {
      readonly type: 'repair';
      readonly action: 'begin' | 'step' | 'repaired' | 'repair-stopped';
      /** Who: another word for each repair. */
      readonly holder: string;
      /** A sentence for the history. */
      readonly note: string;
    }
  /**
   * After a lost majority: the list becomes those that answer. `repaired`: an operator's word that Raft of a recovered
   * list has its leaders, where that cannot be seen.
   */
  | { readonly type: 'recover'; readonly repaired?: boolean }
  /** A caller that named the cluster was refused: a sentence for the history, and whom it spoke for, if for an address. */
  | { readonly type: 'refused'; readonly reason: string; readonly address?: Address | undefined }
  /** Time has passed, or something was observed. */
  | { readonly type: 'tick' }
  /** No server was there for a while: who waited before may be gone, and who repaired is. */
  | { readonly type: 'resume' };

export type Poll = Extract<Command, { type: 'poll' }>;

export interface CommandContext extends RuleContext {
  /** How many clusters exist. */
  readonly clusters: number;
  /** How many addresses they have together (heldBy); 0 by default. */
  readonly addresses?: number;
  /** Whether this one is stored and not served, since all together are too many. */
  readonly isLeft?: boolean;
}

export type Refusal =
  /** A live member or waiting address has this id. */
  | 'id-in-use'
  /** Another spelling of this address is on the list or waits. */
  | 'other-spelling'
  /** No other machine could reach a member there, or it is spelled as nobody else would. */
  | 'no-member-address'
  /** What is stored of the cluster cannot be its state: a person changed it, or a disk. */
  | 'damaged'
  | 'too-many-addresses'
  | 'too-many-clusters'
  /** The cluster lives, or may. */
  | 'in-use'
  | 'quorum-not-lost'
  | 'no-repair-awaited'
  | 'quorum-lost'
  /** Whoever was heard lately may have led Raft, and nobody has taken its place yet. */
  | 'heard-lately'
  | 'nobody-to-recover-with'
  /** The list holds still while Raft is being repaired. */
  | 'repair-under-way'
  /** A repair goes on after its lock has run out. */
  | 'repair-lost';

export type Reply =
  /** The caller is on the list, which is safe to start from. */
  | { readonly type: 'listed' }
  | {
      readonly type: 'waiting';
      /** `left`: it has just left, and polls while it stops (R4). */
      readonly why: 'bootstrapping' | 'gate' | 'left';
      readonly reason: string;
    }
  | { readonly type: 'refused'; readonly code: Refusal; readonly reason: string }
  | { readonly type: 'left' }
  | { readonly type: 'adopted'; readonly adopted: readonly Address[]; readonly kept: readonly Kept[] }
  | { readonly type: 'unknown' }
  | { readonly type: 'done' };

/** A static member that stays one. */
export interface Kept {
  readonly address: Address;
  /** A sentence: why, and what to do. */
  readonly reason: string;
}

export interface Decision {
  readonly cluster: Cluster;
  readonly events: readonly RegistryEvent[];
  readonly reply: Reply;
}
