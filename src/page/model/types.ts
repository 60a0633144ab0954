import type { FindingCode } from '../../doctor/findings.js';
import type { ClusterHealth, HealthFinding, HealthState } from '../../doctor/health.js';
import type { EventType } from '../../registry/events.js';
import type { RefusedCaller, RefusedCode } from '../../registry/refused.js';
import type {
  ClusterState,
  ClusterSummary,
  ClusterView,
  MemberView,
  WaitingView,
} from '../../registry/view.js';

/*
 * The server's data as the page reads it. Types only: no server code runs here. test/page/types.test.ts holds
 * the following types to the API's schemas.
 */

export type { ClusterState, ClusterSummary, ClusterView, EventType, MemberView, WaitingView };
export type { RefusedCaller, RefusedCode };
export type { ClusterHealth, FindingCode, HealthFinding, HealthState };

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
  readonly changes: 'open' | 'local' | 'token';
  readonly reads: 'open' | 'token';
}

/** A cluster's key `product/name`, as in the page's links and in the stream's `cluster`. */
export function keyOf(cluster: { readonly product: string; readonly cluster: string }): string {
  return `${cluster.product}/${cluster.cluster}`;
}
