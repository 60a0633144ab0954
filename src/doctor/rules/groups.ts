import type { Finding } from '../findings.js';
import { mayLive, voterIn, type ListedMember, type RaftGroup } from '../groups.js';
import { ALL_GROUPS, type LeaderProof } from '../leader-proof.js';
import { isRead, showsLedGroups, type Reading } from '../node-view.js';

const REPAIR = '`nacos-address-server doctor PRODUCT/CLUSTER --repair` does it';

/** Findings about Raft groups, and what could not be judged. */
export function aboutGroups(
  members: readonly ListedMember[],
  readings: readonly Reading[],
  groups: readonly RaftGroup[],
  offset: number,
  proofs: ReadonlyMap<string, LeaderProof>,
): { readonly findings: readonly Finding[]; readonly unknown: readonly string[] } {
  const views = readings.filter(isRead);
  if (views.length === 0) return { findings: [], unknown: ['no node can be read, so nothing can be judged'] };
  const oldRaft =
    'Nacos 1.4 may keep persistent instances in its old Raft, whose voters it does not show, and does not always show its groups';
  if (groups.length === 0) return withoutGroups(members, readings, proofs);
  const unled = groups.filter(({ lead }) => lead === 'unled').map(({ name }) => name);
  const splits = new Grouped();
  const missing = new Grouped();
  const strange = new Grouped();
  const hiding = new Grouped();
  const phantoms = new Grouped();
  for (const { name, leader, apart, missing: lacking, dropped, hiding: hidden, phantoms: extra } of groups) {
    for (const node of apart) splits.add(`${leader?.address} and ${node.address}`, name);
    for (const address of lacking) {
      missing.add(address, name);
      if (!dropped.includes(address)) strange.add(address, name);
    }
    for (const address of hidden) hiding.add(address, name);
    for (const voter of extra) phantoms.add(voter, name);
  }
  const voters = members.map(({ address }) => voterIn(address, offset)).join(',');
  return {
    unknown: [
      ...(views.some(showsLedGroups) ? [] : [oldRaft]),
      ...groups.flatMap(({ name, lead, leader }) => {
        if (lead !== 'unknown' || !views.some(showsLedGroups)) return [];
        if (proofs.get(name)?.isLed)
          return [`${name} has a leader, but no member that can be read claims to be it`];
        return leader
          ? [`whether ${name} has a majority: some of its voters cannot be read`]
          : [`whether ${name} has a leader: it may be a node that cannot be read`];
      }),
      ...hiding.all.map(
        ([node, names]) =>
          `whether ${node} also leads ${describeGroups(names)} of its own: the other nodes do not have it as a voter, and it shows no copy, as a 2.5.1 that was started alone sometimes does`,
      ),
    ],
    findings: [
      ...noLeader(unled, proofs),
      ...splits.all.map(([nodes, names]): Finding => ({
        code: 'split',
        groups: names,
        sentence: `${nodes} each lead ${describeGroups(names)}, and neither has the other as a voter: data written to one is not on the other (injury 1)`,
        advice:
          'No command merges them. Keep the node whose data counts, and restart the others one by one with empty data directories (`doctor --repair` says which, and in what order).',
      })),
      ...missing.all.map(([node, names]): Finding => {
        const unseen = strange.get(node);
        const later = unseen
          ? `it shows no copy of ${describeGroups(unseen)}, so it has never met a leader of it, or leads such a group of its own (injury 1), which it may show after that`
          : `or send restRaftCluster with all voters (${voters}) to each group's leader, which needs no restart (${REPAIR})`;
        return {
          code: 'no-voter',
          node,
          groups: names,
          sentence: `${node} is live and listed, but not a voter of ${describeGroups(names)}: it was dropped from a list for a moment (injury 2), or has not joined yet`,
          advice: `This is normal while it starts. Later: restart it${unseen ? ';' : ','} ${later}`,
        };
      }),
      ...phantoms.all.map(([voter, names]): Finding => ({
        code: 'phantom-voter',
        node: voter,
        groups: names,
        sentence: `${voter} is a voter of ${describeGroups(names)}, but no listed member has that address: it counts for every majority and never votes (injury 4)`,
        advice: `Send removePeer with ${voter} to each group's leader (${REPAIR})`,
      })),
    ],
  };
}

/**
 * Judges a cluster in which no node shows a group. With 2.x and 3.x no group has met a leader then, or there
 * are none.
 */
function withoutGroups(
  members: readonly ListedMember[],
  readings: readonly Reading[],
  proofs: ReadonlyMap<string, LeaderProof>,
): { readonly findings: readonly Finding[]; readonly unknown: readonly string[] } {
  const unknown = (sentence: string) => ({ findings: [], unknown: [sentence] });
  if (!readings.filter(isRead).some(showsLedGroups)) {
    return unknown(
      'the nodes show no Raft groups (Nacos 1.4 does not always), so voters and leaders cannot be judged',
    );
  }
  const live = new Set(members.filter(mayLive).map(({ address }) => address));
  if (readings.some((reading) => !isRead(reading) && live.has(reading.address))) {
    return unknown('whether Raft has a leader: it may be a node that cannot be read');
  }
  const proof = proofs.get(ALL_GROUPS);
  if (proof?.isLed) {
    return unknown(
      'the nodes show no Raft groups, and lack no leader: a Nacos that keeps only configurations, in an external database, has none',
    );
  }
  const finding: Finding = {
    code: 'no-leader',
    sentence: `no Raft group has had a leader since these nodes started, so nothing can be written: most of the list that they started with never lived (injury 3), or is gone${provenBy(proof)}`,
    advice: `This is normal for some 30 s after a bootstrap. Later: if a member of the list does not run, start it; otherwise send resetPeers to one node (${REPAIR})`,
  };
  return { findings: [finding], unknown: [] };
}

function provenBy(proof: LeaderProof | undefined): string {
  return proof ? `. ${proof.node}, asked to do what only a leader can, says: ${proof.said}` : '';
}

function noLeader(groups: readonly string[], proofs: ReadonlyMap<string, LeaderProof>): Finding[] {
  if (groups.length === 0) return [];
  const proof = groups.map((name) => proofs.get(name)).find((one) => one !== undefined);
  return [
    {
      code: 'no-leader',
      groups,
      sentence: `${describeGroups(groups)} cannot have a leader, so nothing can be written: no node calls itself the leader, or most voters are gone (a lost majority, or injury 3)${provenBy(proof)}`,
      advice: `This is normal during an election, for up to some 10 s. Later: start the missing nodes; if they are gone for good, recover the list, and send resetPeers to the survivor with the most data (${REPAIR})`,
    },
  ];
}

/** Collects group names under a common key. */
export class Grouped {
  readonly #groups = new Map<string, string[]>();

  add(what: string, group: string): void {
    const groups = this.#groups.get(what);
    if (groups) groups.push(group);
    else this.#groups.set(what, [group]);
  }

  get(what: string): readonly string[] | undefined {
    return this.#groups.get(what);
  }

  get all(): readonly (readonly [string, readonly string[]])[] {
    return [...this.#groups];
  }
}

/** Names groups in a sentence: `group a`, or `2 groups (a, b)`. */
export function describeGroups(groups: readonly string[]): string {
  return groups.length === 1 ? `group ${groups[0]}` : `${groups.length} groups (${groups.join(', ')})`;
}
