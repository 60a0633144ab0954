import type { Address } from '../registry/address.js';
import { aboutGroups } from './rules/groups.js';
import { aboutNodes, notAsked } from './rules/nodes.js';
import { judgeGroups, type ListedMember, type RaftGroup } from './groups.js';
import type { Reading } from './node-view.js';
import type { LeaderProof } from './leader-proof.js';

/** The kinds of findings, with the injury in docs/internals/nacos.md if there is one. */
export const FINDING_CODES = [
  /** A live member cannot be read, so nothing is judged about it. */
  'unreadable',
  /** A node has other members than the registry lists. */
  'list-differs',
  /** A node's own name differs from its listed one, so Nacos takes it for another member. */
  'misnamed',
  /** A node is not on its own list, or is there in another spelling. */
  'self-missing',
  /** A member answers but is not heard: its node does not poll this server, or not in its own name. */
  'not-polling',
  /** A node's clock differs from the others'. */
  'clock-skew',
  /**
   * The nodes run Nacos versions of different series, or versions that need their list in different formats.
   */
  'version-skew',
  /**
   * A group has no leader and cannot have one: no node claims to be it, or most voters are gone (injury 3, a
   * lost majority).
   */
  'no-leader',
  /** Groups of the same name exist apart from each other (injury 1). */
  'split',
  /** A live member is not a voter in the leader's copy (injury 2). */
  'no-voter',
  /** A voter is not on the list (injury 4). */
  'phantom-voter',
] as const;

export type FindingCode = (typeof FINDING_CODES)[number];

/**
 * How long each finding may be normal, in milliseconds. A list takes one poll to arrive (5 s) and an election
 * 5 to 6 s, more with split votes. Nacos removes departed members within some 4 s of the list. A starting
 * node becomes a voter after some 20 s, later on a slow machine (seen with 2.5.1).
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
  /** The node concerned. */
  readonly node?: Address;
  /** The Raft groups concerned. */
  readonly groups?: readonly string[];
  /** What was found: a sentence. */
  readonly sentence: string;
  /** What the operator should do. */
  readonly advice: string;
}

export interface Diagnosis {
  readonly findings: readonly Finding[];
  /** What could not be judged, and why: sentences. */
  readonly unknown: readonly string[];
  /** The groups from which the findings follow. */
  readonly groups: readonly RaftGroup[];
}

export interface DiagnosisOptions {
  /** How far a node's Raft port lies below its main port; 1,000 by default in Nacos. */
  readonly raftOffset: number;
  /** Leader proofs by group name (leader-proof.ts). */
  readonly proofs?: ReadonlyMap<string, LeaderProof>;
}

/** Compares the registry's list with the nodes' own views. */
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

/** Identifies a finding across looks, whatever else its sentence says. */
export function keyOfFinding({ code, node }: Finding): string {
  return node === undefined ? code : `${code} ${node}`;
}
