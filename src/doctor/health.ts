import type { Address } from '../registry/address.js';
import { NORMAL_FOR, type Finding, type FindingCode } from './findings.js';

/** What operators are told of a cluster's health: the findings, since when, and what the nodes say. */

/**
 * *healthy*: every node agrees with the registry’s list, and every Raft group has a leader and exactly these voters.
 * *transient*: something differs, and has not done so for longer than is normal. *attention*: something lasts that harms
 * nobody yet. *unhealthy*: something lasts that harms the cluster. *unknown*: nothing could be judged.
 */
export const HEALTH_STATES = ['healthy', 'transient', 'attention', 'unhealthy', 'unknown'] as const;
export type HealthState = (typeof HEALTH_STATES)[number];

export interface HealthFinding extends Finding {
  /** For how long it has been seen, in milliseconds. */
  readonly sinceMs: number;
  /** Whether it has been seen for longer than is normal; see {@link NORMAL_FOR}. */
  readonly persistent: boolean;
  /** Whether it harms the cluster, or only may. */
  readonly severity: 'harm' | 'notice';
}

export interface NodeHealth {
  readonly address: Address;
  /** Why it cannot be read; absent when it was. */
  readonly reason?: string;
  readonly version?: string;
  /** The Raft groups that it leads. */
  readonly leads: readonly string[];
  /** Those that it is a voter of, by their leaders' copies. */
  readonly voterIn: readonly string[];
}

export interface ClusterHealth {
  readonly product: string;
  readonly cluster: string;
  /** The list that the nodes were compared with. */
  readonly revision: number;
  readonly state: HealthState;
  /** A sentence. */
  readonly summary: string;
  /** Milliseconds since the nodes were asked; absent before the first time, and where reading is off. */
  readonly readMs?: number;
  readonly findings: readonly HealthFinding[];
  /** What could not be judged, and why: sentences. */
  readonly unknown: readonly string[];
  /** In the order of the list. */
  readonly nodes: readonly NodeHealth[];
  /** The Raft groups that were seen. */
  readonly groups: readonly string[];
  /** A repair that is under way, and for how long nothing need be heard of it. */
  readonly repair?: { readonly holder: string; readonly leftMs: number };
}

const NOTICES: ReadonlySet<FindingCode> = new Set([
  'unreadable',
  'not-polling',
  'clock-skew',
  'version-skew',
]);

/** A finding with for how long it has been seen. */
export function withAge(finding: Finding, sinceMs: number): HealthFinding {
  return {
    ...finding,
    sinceMs,
    persistent: sinceMs >= NORMAL_FOR[finding.code],
    severity: NOTICES.has(finding.code) ? 'notice' : 'harm',
  };
}

export function stateOf(findings: readonly HealthFinding[], unknown: readonly string[]): HealthState {
  const persistent = findings.filter((finding) => finding.persistent);
  if (persistent.some(({ severity }) => severity === 'harm')) return 'unhealthy';
  if (findings.some((finding) => !finding.persistent)) return 'transient';
  if (persistent.length > 0) return 'attention';
  return unknown.length > 0 ? 'unknown' : 'healthy';
}

/** The state in words. */
export function summaryOfHealth(
  state: HealthState,
  findings: readonly HealthFinding[],
  unknown: readonly string[],
): string {
  const first = (persistent: boolean): string => {
    const some = findings.filter((finding) => finding.persistent === persistent);
    const [one, ...more] = some.sort((a, b) => a.severity.localeCompare(b.severity));
    return `${one?.sentence}${more.length > 0 ? `; and ${more.length} more` : ''}`;
  };
  switch (state) {
    case 'healthy':
      return 'every node agrees with the registry’s list, and every Raft group has a leader and exactly these voters';
    case 'transient':
      return `not for longer than is normal: ${first(false)}`;
    case 'attention':
    case 'unhealthy':
      return first(true);
    case 'unknown':
      return unknown.join('; ');
  }
}
