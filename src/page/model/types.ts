import type { EventType } from '../../registry/events.js';
import type {
  ClusterState,
  ClusterSummary as RegistrySummary,
  ClusterView as RegistryView,
  MemberView as RegistryMember,
  WaitingView as RegistryWaiting,
} from '../../registry/view.js';

/* What the server says, as the page reads it. Types only: nothing of the server runs here. */

export type { ClusterState, EventType };

export type ClusterSummary = RegistrySummary & { readonly unsettled: number };

export type MemberView = RegistryMember & { readonly refused?: string };

export type WaitingCode = 'founding' | 'no-majority' | 'unsettled' | 'turn';

export type WaitingView = RegistryWaiting & { readonly code: WaitingCode };

export type ClusterView = Omit<RegistryView, 'members' | 'waiting'> & {
  readonly unsettled: number;
  readonly members: readonly MemberView[];
  readonly waiting: readonly WaitingView[];
  /** A lease, in milliseconds. */
  readonly ttlMs: number;
  /** What members are sent while not every server has the newest list. */
  readonly servedRevision?: number;
};

export interface EventView {
  readonly seq: number;
  /** ISO 8601. */
  readonly time: string;
  readonly type: EventType;
  readonly product: string;
  readonly cluster: string;
  readonly address?: string;
  readonly revision: number;
  readonly reason: string;
}

export interface ServerView {
  readonly status: 'up' | 'degraded' | 'unavailable';
  readonly reason?: string;
  readonly sinceMs?: number;
  readonly servers?: number;
  readonly graceMs: number;
  readonly version: string;
  readonly changes: 'open' | 'token';
  readonly reads: 'open' | 'token';
}

/** `product/name`, as it stands in the page's own links and in the stream's `cluster`. */
export function keyOf(cluster: { readonly product: string; readonly cluster: string }): string {
  return `${cluster.product}/${cluster.cluster}`;
}
