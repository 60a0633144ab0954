import type { Finding } from './findings.js';
import { voterOf, type ListedMember, type RaftGroup } from './groups.js';
import type { LeaderProof } from './proof.js';
import { isRead, hasOnlyGroups, type Reading } from './node-view.js';

const REPAIR = '`nacos-address-server doctor PRODUCT/CLUSTER --repair` does it';

/** What is wrong with the Raft groups. */
export function aboutGroups(
  members: readonly ListedMember[],
  readings: readonly Reading[],
  groups: readonly RaftGroup[],
  offset: number,
  proofs: ReadonlyMap<string, LeaderProof>,
): { readonly findings: readonly Finding[]; readonly unknown: readonly string[] } {
  const views = readings.filter(isRead);
  if (views.length === 0) return { findings: [], unknown: ['no node can be read, so nothing can be judged'] };
  const versions = [...new Set(views.map(({ version }) => version))].join(', ');
  const oldRaft = `Nacos ${versions} may keep persistent instances in its old Raft, which shows no voters`;
  if (groups.length === 0) {
    if (!views.some(hasOnlyGroups)) {
      return {
        findings: [],
        unknown: [`the nodes show no Raft groups, so voters and leaders cannot be judged: ${oldRaft}`],
      };
    }
    return {
      findings: [
        {
          code: 'no-leader',
          sentence:
            'no Raft group has ever had a leader, so nothing can be written: most of its voters are not there (injury 3), or the nodes only start',
          advice: `For some 30 s after a founding that is normal. Later: if a member of the list does not run, start it; else say resetPeers to one node (${REPAIR})`,
        },
      ],
      unknown: [],
    };
  }
  const unled = groups.filter(({ lead }) => lead === 'unled').map(({ name }) => name);
  const splits = new Grouped();
  const missing = new Grouped();
  const phantoms = new Grouped();
  for (const { name, leader, apart, missing: lacking, phantoms: extra } of groups) {
    for (const node of apart) splits.add(`${leader?.address} and ${node.address}`, name);
    for (const address of lacking) missing.add(address, name);
    for (const voter of extra) phantoms.add(voter, name);
  }
  const voters = members.map(({ address }) => voterOf(address, offset)).join(',');
  return {
    unknown: [
      ...(views.some(hasOnlyGroups) ? [] : [oldRaft]),
      ...groups.flatMap(({ name, lead, leader }) => {
        if (lead !== 'unknown') return [];
        if (proofs.get(name)?.isLed)
          return [`${name} has a leader, which is none of the members that can be read`];
        return leader
          ? [`whether ${name} has a majority: some of its voters cannot be read`]
          : [`whether ${name} has a leader: it may be one of those that cannot be read`];
      }),
    ],
    findings: [
      ...noLeader(unled, proofs),
      ...splits.all.map(([nodes, names]): Finding => ({
        code: 'split',
        groups: names,
        sentence: `${nodes} each lead ${of(names)}, and neither has the other as a voter: data written to one is not on the other (injury 1)`,
        advice:
          'No command merges them. Keep the node whose data counts, and restart the others one by one with empty data directories (`doctor --repair` says which, and in what order).',
      })),
      ...missing.all.map(([node, names]): Finding => ({
        code: 'no-voter',
        node,
        groups: names,
        sentence: `${node} is live and listed, and no voter of ${of(names)}: it was dropped from a list for a moment (injury 2), or has not joined yet`,
        advice: `While it starts that is normal. Later: restart it, or say restRaftCluster with all voters (${voters}) to each group's leader, which needs no restart (${REPAIR})`,
      })),
      ...phantoms.all.map(([voter, names]): Finding => ({
        code: 'phantom-voter',
        node: voter,
        groups: names,
        sentence: `${voter} is a voter of ${of(names)}, and no member of the list has that address: it counts for every majority and never votes (injury 4)`,
        advice: `Say removePeer with ${voter} to each group's leader (${REPAIR})`,
      })),
    ],
  };
}

function noLeader(groups: readonly string[], proofs: ReadonlyMap<string, LeaderProof>): Finding[] {
  if (groups.length === 0) return [];
  const proof = groups.map((name) => proofs.get(name)).find((one) => one !== undefined);
  const proven = proof ? `. ${proof.node}, asked to do what only a leader can, says: ${proof.said}` : '';
  return [
    {
      code: 'no-leader',
      groups,
      sentence: `${of(groups)} cannot have a leader, so nothing can be written: no node calls itself the leader, or most voters are gone (a lost majority, or injury 3)${proven}`,
      advice: `During an election, up to some 10 s, that is normal. Later: start the missing nodes; if they are gone for good, recover the list, and say resetPeers to the survivor with the most data (${REPAIR})`,
    },
  ];
}

/** Group names by what they have in common. */
class Grouped {
  readonly #groups = new Map<string, string[]>();

  add(what: string, group: string): void {
    const groups = this.#groups.get(what);
    if (groups) groups.push(group);
    else this.#groups.set(what, [group]);
  }

  get all(): readonly (readonly [string, readonly string[]])[] {
    return [...this.#groups];
  }
}

/** Several groups, in words. */
export function of(groups: readonly string[]): string {
  return groups.length === 1 ? `group ${groups[0]}` : `${groups.length} groups (${groups.join(', ')})`;
}
