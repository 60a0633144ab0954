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

/** One look at all nodes of a cluster, and what is to be said of it. Times are milliseconds of any steady clock. */
export interface Examination {
  readonly at: number;
  /** The list that they were compared with. */
  readonly view: ListedView;
  readonly readings: readonly Reading[];
  readonly diagnosis: Diagnosis;
  /** Since when each finding has been seen, by its key. */
  readonly since: ReadonlyMap<string, number>;
  /** What was proven of groups that nobody was seen to lead, by their names. */
  readonly proofs: ReadonlyMap<string, LeaderProof>;
}

/** Compares a look with the list, and goes on from the one before it. */
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

/** For how long a finding has been seen. */
export function ageOf({ at, since }: Examination, finding: Finding): number {
  return at - (since.get(keyOfFinding(finding)) ?? at);
}

/** Its findings, with for how long they have been seen, and whether that is longer than is normal. */
export function agedFindings(examination: Examination): HealthFinding[] {
  return examination.diagnosis.findings.map((finding) =>
    withAge(finding, Math.round(ageOf(examination, finding))),
  );
}

/** What the rules may take from it; `readAt` on the lease clock. */
export function evidenceIn(
  { readings, diagnosis }: Examination,
  raftOffset: number,
  readAt: number,
): RaftEvidence | undefined {
  return readings.some(isRead) ? evidenceOf(readings, diagnosis.groups, raftOffset, readAt) : undefined;
}

/** What operators are told of it. */
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

/** What every failure to read a node is for those who may not know which it was. */
const UNTOLD = 'it cannot be read; the reason is shown only with a token, or on the server’s own machine';

/** The same without how members fail to answer: whoever may list any address could scan ports by it. */
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
