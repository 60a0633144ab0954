import type { Address } from './address.js';
import { keyOf, type Cluster, type Source } from './cluster.js';
import { requiredToBootstrap, REPAIR_AWAITED, whyWaiting, type WaitingCode } from './gate.js';
import { hasLease, isLive, memberState, silence, type MemberState } from './lease.js';
import type { RuleContext } from './rule-context.js';
import { lacking, quorumAdvice, quorumOf, type Quorum } from './quorum.js';
import { revisionAhead, setBackAdvice } from './set-back.js';

/**
 * *empty*: no list and no waiting address. *bootstrapping*: no list yet. *whole*: every member is live and
 * settled, and no address waits. *impaired*: a majority is live. *quorum-lost*: no majority is. *damaged*:
 * the stored data cannot be the cluster's state.
 */
export const CLUSTER_STATES = [
  'empty',
  'bootstrapping',
  'whole',
  'impaired',
  'quorum-lost',
  'damaged',
] as const;
export type ClusterState = (typeof CLUSTER_STATES)[number];

/** What operators see of a cluster. */
export interface ClusterSummary {
  readonly product: string;
  readonly cluster: string;
  readonly state: ClusterState;
  /** A sentence: what the state means here, and what to do. */
  readonly summary: string;
  readonly epoch: number;
  readonly revision: number;
  readonly size: number;
  readonly members: number;
  readonly live: number;
  /** Listed members that have not settled yet. */
  readonly unsettled: number;
  readonly waiting: number;
  /** While bootstrapping: how many addresses must wait at once before they become the list (R1). */
  readonly requiredMembers?: number;
  /** The revision that members are sent while not every server has the newest list (see replicas.ts). */
  readonly servedRevision?: number;
  /** Findings of the doctor that last and harm the cluster, in any of its states; absent without any. */
  readonly raftProblems?: number;
  /** Callers that named the cluster and were refused lately, in any of its states; absent without any. */
  readonly refused?: number;
}

export interface ClusterView extends Omit<ClusterSummary, 'members' | 'waiting'> {
  /** A member's TTL, in milliseconds: `silentMs` runs up to it. */
  readonly ttlMs: number;
  readonly members: readonly MemberView[];
  readonly waiting: readonly WaitingView[];
}

export interface MemberView {
  readonly address: Address;
  readonly id?: string;
  readonly source: Source;
  readonly state: MemberState;
  readonly settled: boolean;
  /** Milliseconds since the member was last heard; absent for a static member that never was. */
  readonly silentMs?: number;
  /** Milliseconds left of its lease; 0 once it ran out. */
  readonly leaseMs?: number;
  /** The newest revision that it was sent. */
  readonly deliveredRevision: number;
  /** Whether it is live and is known or presumed to have the current revision. */
  readonly upToDate: boolean;
  /** The answer, a sentence, that refused polls in its name get, for example those without a valid token. */
  readonly refused?: string;
  /** The symptom that its agent reports while its Nacos does not answer. */
  readonly problem?: string;
  /** A clause: why this server cannot tell whether the silent member is dead, so that it stays listed. */
  readonly unprobed?: string;
}

export interface WaitingView {
  readonly address: Address;
  readonly id?: string;
  readonly expect?: number;
  readonly waitingMs: number;
  readonly code: WaitingCode;
  /** The reason for `code`, as a sentence. */
  readonly reason: string;
}

export function summarize(cluster: Cluster, moment: RuleContext): ClusterSummary {
  const quorum = quorumOf(cluster, moment);
  const unsettled = [...cluster.members.values()].filter((member) => !member.settled).length;
  const state = stateOf(cluster, quorum, unsettled);
  return {
    product: cluster.product,
    cluster: cluster.name,
    state,
    summary: sentence(cluster, state, quorum, unsettled),
    epoch: cluster.epoch,
    revision: cluster.revision,
    size: cluster.size,
    members: cluster.members.size,
    live: quorum.live,
    unsettled,
    waiting: cluster.waiting.size,
    ...(state === 'bootstrapping' ? { requiredMembers: requiredToBootstrap(cluster) } : {}),
  };
}

export function describe(cluster: Cluster, moment: RuleContext): ClusterView {
  const { now, rules } = moment;
  const lackingNow = new Set(lacking(cluster, cluster.revision, moment));
  const members = [...cluster.members.values()].map((member): MemberView => {
    const silent = silence(member, now);
    return {
      address: member.address,
      ...(member.id === undefined ? {} : { id: member.id }),
      source: member.source,
      state: memberState(member, rules, now),
      settled: member.settled,
      ...(hasLease(member) ? { silentMs: silent, leaseMs: Math.max(0, rules.memberTtl - silent) } : {}),
      deliveredRevision: member.lease.delivered,
      upToDate: isLive(member, rules, now) && !lackingNow.has(member.address),
    };
  });
  const why = whyWaiting(cluster, moment);
  const waiting = [...cluster.waiting.values()].map((one): WaitingView => ({
    address: one.address,
    ...(one.id === undefined ? {} : { id: one.id }),
    ...(one.expect === undefined ? {} : { expect: one.expect }),
    waitingMs: now - one.since,
    ...why(one),
  }));
  return { ...summarize(cluster, moment), ttlMs: rules.memberTtl, members, waiting };
}

function stateOf(cluster: Cluster, quorum: Quorum, unsettled: number): ClusterState {
  const { members, waiting } = cluster;
  if (cluster.damage !== undefined) return 'damaged';
  if (members.size === 0) return waiting.size === 0 ? 'empty' : 'bootstrapping';
  if (!quorum.held) return 'quorum-lost';
  const isWhole = quorum.live === members.size && unsettled === 0 && waiting.size === 0;
  return isWhole && !cluster.awaitsRepair ? 'whole' : 'impaired';
}

function sentence(cluster: Cluster, state: ClusterState, quorum: Quorum, unsettled: number): string {
  const { members, waiting } = cluster;
  switch (state) {
    case 'empty':
      return `${keyOf(cluster)} has no members and nobody waits`;
    case 'bootstrapping': {
      const ahead = revisionAhead(cluster);
      if (ahead !== undefined) return setBackAdvice(cluster, ahead);
      return `bootstrapping: ${waiting.size} of ${requiredToBootstrap(cluster)} wait`;
    }
    case 'whole':
      return `all ${members.size} members are live and settled`;
    case 'impaired':
      if (cluster.awaitsRepair) return REPAIR_AWAITED;
      return `${quorum.live} of ${members.size} members live, ${unsettled} not yet settled, ${waiting.size} waiting`;
    case 'quorum-lost':
      return quorumAdvice(quorum.finding());
    case 'damaged':
      return cluster.damage ?? '';
  }
}
