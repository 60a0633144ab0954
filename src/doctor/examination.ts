import { optional } from '../registry/cluster.js';
import type { RaftEvidence } from '../registry/evidence.js';
import { evidenceOf } from './raft-evidence.js';
import { diagnose, keyOfFinding, type Diagnosis, type Finding } from './findings.js';
import { memberOf, type ListedView } from './groups.js';
import {
  stateOf,
  summaryOfHealth,
  withAge,
  type ClusterHealth,
  type HealthFinding,
  type NodeHealth,
} from './health.js';
import { isRead, type Reading } from './node-view.js';
import type { LeaderProof } from './leader-proof.js';

/** One reading of all nodes of a cluster and its diagnosis. Times are milliseconds on any monotonic clock. */
export interface Examination {
  readonly at: number;
  /** The list that the readings were compared with. */
  readonly view: ListedView;
  readonly readings: readonly Reading[];
  readonly diagnosis: Diagnosis;
  /** When each finding was first seen, by its key. */
  readonly since: ReadonlyMap<string, number>;
  /** Leader proofs of groups without a visible leader, by group name. */
  readonly proofs: ReadonlyMap<string, LeaderProof>;
}

/** Diagnoses a set of readings. Findings that `before` had keep their age. */
export function examined(
  view: ListedView,
  readings: readonly Reading[],
  raftOffset: number,
  at: number,
  before: Examination | undefined,
  proofs: Examination['proofs'] = new Map(),
): Examination {
  const diagnosis = diagnose(view.members, readings, { raftOffset, proofs });
  const since = diagnosis.findings.map((finding): [string, number] => {
    const key = keyOfFinding(finding);
    return [key, before?.since.get(key) ?? at];
  });
  return { at, view, readings, diagnosis, since: new Map(since), proofs };
}

/** How long a finding has been seen, in milliseconds. */
export function ageOf({ at, since }: Examination, finding: Finding): number {
  return at - (since.get(keyOfFinding(finding)) ?? at);
}

/** The findings of an examination with their age, and whether that is longer than normal. */
export function agedFindings(examination: Examination): HealthFinding[] {
  return examination.diagnosis.findings.map((finding) =>
    withAge(finding, Math.round(ageOf(examination, finding))),
  );
}

/** Evidence for the registry's rules; undefined if no node was read. `readAt` is on the lease clock. */
export function evidenceIn(
  { readings, diagnosis }: Examination,
  raftOffset: number,
  readAt: number,
): RaftEvidence | undefined {
  return readings.some(isRead) ? evidenceOf(readings, diagnosis.groups, raftOffset, readAt) : undefined;
}

/** The health report that operators get from an examination. */
export function healthOf(
  examination: Examination,
  raftOffset: number,
  now: number,
  repair: ClusterHealth['repair'],
): ClusterHealth {
  const { view, diagnosis } = examination;
  const { groups, unknown } = diagnosis;
  const findings = agedFindings(examination);
  const state = stateOf(findings, unknown);
  return {
    product: view.product,
    cluster: view.cluster,
    revision: view.revision,
    state,
    summary: summaryOfHealth(state, findings, unknown),
    readMs: Math.max(0, Math.round(now - examination.at)),
    findings,
    unknown: [...unknown],
    nodes: examination.readings.map((reading): NodeHealth => {
      const { address } = reading;
      return {
        address,
        ...(isRead(reading) ? optional('version', reading.version) : { reason: reading.reason }),
        leads: groups.filter(({ leader }) => leader?.address === address).map(({ name }) => name),
        voterIn: groups
          .filter(({ copy }) => copy?.voters.some((voter) => memberOf(voter, raftOffset) === address))
          .map(({ name }) => name),
      };
    }),
    groups: groups.map(({ name }) => name),
    ...optional('repair', repair),
  };
}

/** Stands for every reason that a caller without a token may not see. */
const UNTOLD = 'it cannot be read; the reason is shown only with a token, or on the server’s own machine';

/**
 * An examination without the reasons why members cannot be read. Callers who may list any address could scan
 * ports by them.
 */
export function withoutReasons(examination: Examination): Examination {
  const { diagnosis } = examination;
  return {
    ...examination,
    readings: examination.readings.map((reading) =>
      isRead(reading) ? reading : { address: reading.address, reason: UNTOLD },
    ),
    diagnosis: {
      ...diagnosis,
      findings: diagnosis.findings.map((finding) =>
        finding.code === 'unreadable'
          ? { ...finding, sentence: `${finding.node} is live, but ${UNTOLD}` }
          : finding,
      ),
    },
  };
}
