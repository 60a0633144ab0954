import type { Address } from '../registry/address.js';
import { NORMAL_FOR, type Finding, type FindingCode } from './findings.js';

/** A cluster's health as operators see it: the findings, their age, and the nodes' views. */

/**
 * *healthy*: every node agrees with the registry's list, and every Raft group has a leader and exactly these
 * voters. *transient*: something differs, but not for longer than normal. *attention*: a problem persists,
 * without harm so far. *unhealthy*: a problem persists and harms the cluster. *unknown*: nothing could be
 * judged.
 */
export const HEALTH_STATES = ['healthy', 'transient', 'attention', 'unhealthy', 'unknown'] as const;
export type HealthState = (typeof HEALTH_STATES)[number];

export interface HealthFinding extends Finding {
  /** How long the finding has been seen, in milliseconds. */
  readonly sinceMs: number;
  /** True once the finding is older than {@link NORMAL_FOR} allows. */
  readonly persistent: boolean;
  /** *harm*: it harms the cluster. *notice*: it may. */
  readonly severity: 'harm' | 'notice';
}

export interface NodeHealth {
  readonly address: Address;
  /** Why the node cannot be read; absent if it was read. */
  readonly reason?: string;
  readonly version?: string;
  /** Raft groups that this node leads. */
  readonly leads: readonly string[];
  /** Raft groups in which this node is a voter, by their leaders' copies. */
  readonly voterIn: readonly string[];
}

export interface ClusterHealth {
  readonly product: string;
  readonly cluster: string;
  /** Revision of the list that the nodes were compared with. */
  readonly revision: number;
  readonly state: HealthState;
  /** The state in one sentence. */
  readonly summary: string;
  /** Milliseconds since the nodes were read; absent before the first look and with RAFT_CHECKS=off. */
  readonly readMs?: number;
  readonly findings: readonly HealthFinding[];
  /** What could not be judged, and why: sentences. */
  readonly unknown: readonly string[];
  /** One entry a member, in the order of the list. */
  readonly nodes: readonly NodeHealth[];
  /** Names of the Raft groups that any node shows. */
  readonly groups: readonly string[];
  /** The repair under way, and the milliseconds until its lock expires unless it is renewed. */
  readonly repair?: { readonly holder: string; readonly leftMs: number };
}

const NOTICES: ReadonlySet<FindingCode> = new Set([
  'unreadable',
  'not-polling',
  'clock-skew',
  'version-skew',
]);

/** Adds a finding's age, and whether it persists and harms. */
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

/** The state in one sentence. */
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
