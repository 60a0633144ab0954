import type { Address } from './address.js';
import type { Cluster } from './cluster.js';
import type { RegistryEvent } from './events.js';
import type { RuleContext } from './rule-context.js';

/** What can be asked of a cluster, and what comes of it. */

export type Command =
  /** A Nacos node polls, or a script or sidecar sends a heartbeat for it. */
  | {
      readonly type: 'poll';
      readonly address: Address;
      readonly source: 'poll' | 'heartbeat';
      readonly id?: string | undefined;
      /** 1 to {@link MAX_EXPECT}. */
      readonly expect?: number | undefined;
      /** Reported by a heartbeat: the revision that its Nacos has; 0 for none yet. */
      readonly revision?: number | undefined;
      /** Reported by a heartbeat: its Nacos has been started and has not answered yet. */
      readonly starting?: boolean | undefined;
      /** When the connection that carries it was opened, on the lease clock. */
      readonly connectedAt: number;
    }
  /** A member's agent reports that its Nacos does not answer, and the symptom. */
  | { readonly type: 'unhealthy'; readonly address: Address; readonly problem: string }
  /** The connection of a held poll ended before its answer: the caller is gone. */
  | { readonly type: 'abandon'; readonly address: Address }
  /**
   * A member leaves by its own or an operator's request. Its node stops at most `wait` milliseconds later.
   */
  | {
      readonly type: 'leave';
      readonly address: Address;
      readonly wait?: number;
      /** Set for an operator's request, which is refused when it would harm, unless with `force`. */
      readonly operator?: { readonly force: boolean } | undefined;
    }
  /** Lists members that stay until deleted. */
  | { readonly type: 'put'; readonly addresses: readonly Address[] }
  | { readonly type: 'delete'; readonly addresses: readonly Address[] }
  /** Gives up the whole cluster: none of its nodes lives. */
  | { readonly type: 'forget' }
  /** Static members that make themselves heard become leased ones. */
  | { readonly type: 'adopt' }
  /** A repair of Raft takes the lock, reports a step (none with an empty note), or ends. */
  | {
      readonly type: 'repair';
      readonly action: 'begin' | 'step' | 'repaired' | 'repair-stopped';
      /** Names the holder of the lock; different for each repair. */
      readonly holder: string;
      /** A sentence for the history. */
      readonly note: string;
    }
  /**
   * After a lost majority, reduces the list to the members that answer. `repaired`: an operator confirms that
   * Raft of a recovered list has its leaders, where the server cannot see that.
   */
  | { readonly type: 'recover'; readonly repaired?: boolean }
  /**
   * A caller that named the cluster was refused. `reason` is a sentence for the history; `address` is the one
   * that it spoke for, if any.
   */
  | { readonly type: 'refused'; readonly reason: string; readonly address?: Address | undefined }
  /** Time has passed, or something was observed. */
  | { readonly type: 'tick' }
  /** No server ran for a while: waiting nodes may be gone, and a repair has stopped. */
  | { readonly type: 'resume' };

export type Poll = Extract<Command, { type: 'poll' }>;

export interface CommandContext extends RuleContext {
  /** How many clusters exist. */
  readonly clusters: number;
  /** How many addresses all clusters have together (heldBy); 0 by default. */
  readonly addresses?: number;
  /** Whether this cluster is stored but not served, since all clusters together are too large. */
  readonly isLeft?: boolean;
}

export type Refusal =
  /** A live member or waiting address has this id. */
  | 'id-in-use'
  /** Another spelling of this address is on the list or waits. */
  | 'other-spelling'
  /** No other machine could reach a member there, or no other node would use that spelling. */
  | 'no-member-address'
  /** The stored data cannot be the cluster's state: a person or a disk changed it. */
  | 'damaged'
  | 'too-many-addresses'
  | 'too-many-clusters'
  /** The cluster lives, or may live. */
  | 'in-use'
  | 'quorum-not-lost'
  | 'no-repair-awaited'
  | 'quorum-lost'
  /** A member that was heard lately may have led Raft, and may have no successor yet. */
  | 'heard-lately'
  | 'nobody-to-recover-with'
  /** The list must hold still while Raft is being repaired. */
  | 'repair-under-way'
  /** The repair's lock has run out or is another's. */
  | 'repair-lost';

export type Reply =
  /** The caller is on the list, and may start from it. */
  | { readonly type: 'listed' }
  | {
      readonly type: 'waiting';
      /** `left`: the address has just left, and its node polls while it stops (R4). */
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
