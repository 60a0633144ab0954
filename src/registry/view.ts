import type { Address } from './address.js';
import { keyOf, type Cluster, type Source } from './cluster.js';
import { explainWaiting, neededToFound } from './gate.js';
import { hasLease, isLive, memberState, silence, type MemberState } from './lease.js';
import type { Moment } from './moment.js';
import { lacking, quorumAdvice, quorumOf, type Quorum } from './quorum.js';

/**
 * *empty*: no list, nobody waits. *founding*: no list yet. *whole*: every member live and settled and nobody
 * waits. *degraded*: a majority is live. *quorum-lost*: none is.
 */
export const CLUSTER_STATES = ['empty', 'founding', 'whole', 'degraded', 'quorum-lost'] as const;
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
  readonly waiting: number;
}

export interface ClusterView extends Omit<ClusterSummary, 'members' | 'waiting'> {
  readonly members: readonly MemberView[];
  readonly waiting: readonly WaitingView[];
}

export interface MemberView {
  readonly address: Address;
  readonly id?: string;
  readonly source: Source;
  readonly state: MemberState;
  readonly settled: boolean;
  /** Milliseconds since it was last heard; absent for a static member that never was. */
  readonly silentMs?: number;
  /** Milliseconds left of its lease, 0 when it ran out. */
  readonly leaseMs?: number;
  /** The revision it last received. */
  readonly delivered: number;
  /** Whether it is presumed or known to have the current revision. */
  readonly current: boolean;
}

export interface WaitingView {
  readonly address: Address;
  readonly id?: string;
  readonly expect?: number;
  readonly waitingMs: number;
  readonly reason: string;
}

export function summarize(cluster: Cluster, moment: Moment): ClusterSummary {
  const quorum = quorumOf(cluster, moment);
  const state = stateOf(cluster, quorum);
  return {
    product: cluster.product,
    cluster: cluster.name,
    state,
    summary: sentence(cluster, state, quorum),
    epoch: cluster.epoch,
    revision: cluster.revision,
    size: cluster.size,
    members: cluster.members.size,
    live: quorum.live,
    waiting: cluster.waiting.size,
  };
}

export function describe(cluster: Cluster, moment: Moment): ClusterView {
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
      delivered: member.lease.delivered,
      current: isLive(member, rules, now) && !lackingNow.has(member.address),
    };
  });
  const waiting = [...cluster.waiting.values()].map((one): WaitingView => ({
    address: one.address,
    ...(one.id === undefined ? {} : { id: one.id }),
    ...(one.expect === undefined ? {} : { expect: one.expect }),
    waitingMs: now - one.since,
    reason: explainWaiting(cluster, one, moment),
  }));
  return { ...summarize(cluster, moment), members, waiting };
}

function stateOf(cluster: Cluster, quorum: Quorum): ClusterState {
  const { members, waiting } = cluster;
  if (members.size === 0) return waiting.size === 0 ? 'empty' : 'founding';
  if (!quorum.held) return 'quorum-lost';
  const settled = [...members.values()].every((member) => member.settled);
  return quorum.live === members.size && settled && waiting.size === 0 ? 'whole' : 'degraded';
}

function sentence(cluster: Cluster, state: ClusterState, quorum: Quorum): string {
  const { members, waiting } = cluster;
  switch (state) {
    case 'empty':
      return `${keyOf(cluster)} has no members and nobody waits`;
    case 'founding':
      return `founding: ${waiting.size} of ${neededToFound(cluster)} wait`;
    case 'whole':
      return `all ${members.size} members are live and settled`;
    case 'degraded': {
      const unsettled = [...members.values()].filter((member) => !member.settled).length;
      return `${quorum.live} of ${members.size} members live, ${unsettled} not yet settled, ${waiting.size} waiting`;
    }
    case 'quorum-lost':
      return quorumAdvice(quorum.finding);
  }
}
