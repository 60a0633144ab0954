import type { Address } from '../registry/address.js';
import { aboutGroups } from './rules/groups.js';
import { aboutNodes, notAsked } from './rules/nodes.js';
import { judgeGroups, type ListedMember, type RaftGroup } from './groups.js';
import type { Reading } from './node-view.js';
import type { LeaderProof } from './leader-proof.js';

/** What may be wrong, by its injury in docs/internals/nacos.md where it is one. */
export const FINDING_CODES = [
  /** Nothing is known of a live member, so nothing is said of it. */
  'unreadable',
  /** A node has other members than the registry lists. */
  'list-differs',
  /** A node calls itself otherwise than it is listed, so to Nacos it is another member. */
  'misnamed',
  /** A node is not on its own list, or another spelling of it is. */
  'self-missing',
  /** A member whose node answers, and that is not heard: it does not poll this server, or not in its own name. */
  'not-polling',
  /** A node's clock is apart from the others'. */
  'clock-skew',
  /** The nodes run versions of Nacos that want their list in different forms, or are of different series. */
  'version-skew',
  /** A group that nobody can lead: no node calls itself its leader, or most of its voters are gone (injury 3, a lost majority). */
  'no-leader',
  /** Groups of the same name that do not know each other (injury 1). */
  'split',
  /** A live member that the leader does not have as a voter (injury 2). */
  'no-voter',
  /** A voter that is not on the list (injury 4). */
  'phantom-voter',
] as const;

export type FindingCode = (typeof FINDING_CODES)[number];

/**
 * For how long a finding may be normal, in milliseconds: a list on its way takes a poll (5 s); an election 5 to 6 s, more
 * with split votes; Nacos removes who left within some 4 s of the list; a node that starts is a voter after some 20 s,
 * and on a slow machine later (2.5.1, seen).
 */
export const NORMAL_FOR: Readonly<Record<FindingCode, number>> = {
  unreadable: 30_000,
  'list-differs': 15_000,
  misnamed: 15_000,
  'self-missing': 15_000,
  'not-polling': 30_000,
  'clock-skew': 15_000,
  'version-skew': 0,
  'no-leader': 30_000,
  split: 30_000,
  'no-voter': 60_000,
  'phantom-voter': 30_000,
};

export interface Finding {
  readonly code: FindingCode;
  /** The node that it is about. */
  readonly node?: Address;
  /** The Raft groups that it is about. */
  readonly groups?: readonly string[];
  /** What was found. */
  readonly sentence: string;
  /** What to do. */
  readonly advice: string;
}

export interface Diagnosis {
  readonly findings: readonly Finding[];
  /** What could not be judged, and why: sentences. */
  readonly unknown: readonly string[];
  /** What it follows from. */
  readonly groups: readonly RaftGroup[];
}

export interface DiagnosisOptions {
  /** How far a node's Raft port lies below its main port; 1,000 by default in Nacos. */
  readonly raftOffset: number;
  /** What the nodes said when they were asked for a proof that a group has a leader, by its name (leader-proof.ts). */
  readonly proofs?: ReadonlyMap<string, LeaderProof>;
}

/** Compares what the registry lists with what the nodes themselves believe. */
export function diagnose(
  members: readonly ListedMember[],
  readings: readonly Reading[],
  options: DiagnosisOptions,
): Diagnosis {
  const { raftOffset, proofs = new Map<string, LeaderProof>() } = options;
  const led = new Set([...proofs].flatMap(([name, { isLed }]) => (isLed ? [name] : [])));
  const groups = judgeGroups(members, readings, raftOffset, led);
  const raft = aboutGroups(members, readings, groups, raftOffset, proofs);
  return {
    findings: [...aboutNodes(members, readings), ...raft.findings],
    unknown: [...notAsked(readings), ...raft.unknown],
    groups,
  };
}

/** The same finding at two looks has the same key, whatever else its sentence tells. */
export function keyOfFinding({ code, node }: Finding): string {
  return node === undefined ? code : `${code} ${node}`;
}
