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
 * What the server says, as the page reads it. Types only: nothing of the server runs here. Those that follow are held to
 * the API's schemas by test/page/types.test.ts.
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

/** `product/name`, as it stands in the page's own links and in the stream's `cluster`. */
export function keyOf(cluster: { readonly product: string; readonly cluster: string }): string {
  return `${cluster.product}/${cluster.cluster}`;
}
