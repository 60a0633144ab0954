import { canonical, parseAddress, splitAddress, type Address } from '../registry/address.js';
import { majority } from '../registry/cluster.js';
import type { ClusterView } from '../registry/view.js';
import type { GroupCopy, NodeView, Unreadable } from './node-view.js';

/** What may be wrong, by its injury in nacos-facts where it is one. */
export type FindingCode =
  /** Nothing is known of a node, so nothing is said of it. */
  | 'unreadable'
  /** A node believes in other members than the registry lists. */
  | 'list-differs'
  /** A node is not on its own list, or another spelling of it is. */
  | 'self-missing'
  /** A group that nobody can lead: no node calls itself its leader, or most of its voters are gone (injury 3, a lost majority). */
  | 'no-leader'
  /** Groups of the same name that do not know each other (injury 1). */
  | 'split'
  /** A live member that the leader does not have as a voter (injury 2). */
  | 'no-voter'
  /** A voter that is not on the list (injury 4). */
  | 'phantom-voter';

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
}

/**
 * Compares what the registry lists with what the nodes themselves believe. Each Raft group is judged by the copy of the
 * node that calls itself its leader, at the highest term: other copies stay stale for ever, and a lost leader's name is
 * never cleared (2.5.1). `raftOffset`: how far a node's Raft port lies below its main port (1,000 by default in Nacos).
 */
export function diagnose(
  list: Pick<ClusterView, 'members'>,
  nodes: readonly (NodeView | Unreadable)[],
  raftOffset = 1_000,
): Diagnosis {
  const views = nodes.filter((node): node is NodeView => 'members' in node);
  const unreadable = nodes.filter((node): node is Unreadable => 'reason' in node);
  const findings = [...unreadable.map(unread), ...views.flatMap((view) => aboutMembers(view, list))];
  const unknown: string[] = [];
  const readable = views.filter(({ groups }) => groups.size > 0);
  if (readable.length === 0) {
    unknown.push(
      'no node shows its Raft groups (Nacos 1.4 shows none), so voters and leaders cannot be judged',
    );
  } else {
    const raft = judgeGroups(list, readable, unreadable, raftOffset);
    findings.push(...raft.findings);
    unknown.push(...raft.unknown);
  }
  return { findings, unknown };
}

function unread({ address, reason }: Unreadable): Finding {
  return {
    code: 'unreadable',
    node: address,
    sentence: `${address} cannot be read: ${reason}`,
    advice: 'What it believes is not known, and is not judged.',
  };
}

function aboutMembers(view: NodeView, { members }: Pick<ClusterView, 'members'>): Finding[] {
  const node = view.address;
  const listed = members.map(({ address }) => address);
  const findings: Finding[] = [];
  const other = view.members.find((name) => name !== node && isSameNode(name, node));
  if (other !== undefined || !view.members.includes(node)) {
    findings.push({
      code: 'self-missing',
      node,
      sentence:
        other === undefined
          ? `${node} is not on its own list`
          : `${node} has itself as ${other} on its list, too; to Nacos these are two members`,
      advice:
        'Let it name itself as the registry does: nacos.server.ip, or self=… in its URL; then restart it. Other voters may keep the wrong name: look again afterwards.',
    });
  }
  const lacks = listed.filter((address) => address !== node && !view.members.includes(address));
  const more = view.members.filter((name) => name !== other && !listed.includes(name));
  if (lacks.length > 0 || more.length > 0) {
    const what = [
      ...(lacks.length > 0 ? [`lacks ${lacks.join(', ')}`] : []),
      ...(more.length > 0 ? [`has ${more.join(', ')}, which the registry does not list`] : []),
    ];
    findings.push({
      code: 'list-differs',
      node,
      sentence: `${node} believes in other members than the registry lists: it ${what.join(' and ')}`,
      advice:
        'For up to 5 s after a change that is normal. Later: does it poll this address server (with self=…), or does something else write its cluster.conf?',
    });
  }
  return findings;
}

function isSameNode(name: string, address: Address): boolean {
  const parsed = parseAddress(name);
  return parsed.ok && canonical(parsed.value) === canonical(address);
}

interface Led {
  readonly node: NodeView;
  readonly copy: GroupCopy;
}

function judgeGroups(
  { members }: Pick<ClusterView, 'members'>,
  views: readonly NodeView[],
  unreadable: readonly Unreadable[],
  raftOffset: number,
): Diagnosis {
  const voterOf = (address: Address): string => {
    const { port } = splitAddress(address);
    return address.replace(/\d+$/, String(port - raftOffset));
  };
  const live = members.filter(({ state }) => state !== 'silent' && state !== 'down');
  const unread = new Set(unreadable.map(({ address }) => address));
  const alive = new Set(
    live.filter(({ address }) => !unread.has(address)).map(({ address }) => voterOf(address)),
  );
  const unsure = new Set(
    live.filter(({ address }) => unread.has(address)).map(({ address }) => voterOf(address)),
  );
  const names = [...new Set(views.flatMap(({ groups }) => [...groups.keys()]))].sort();
  const unled: string[] = [];
  const unknown: string[] = [];
  const splits = new Grouped();
  const missing = new Grouped();
  const phantoms = new Grouped();
  for (const name of names) {
    const leaders = views
      .flatMap((node): Led[] => {
        const copy = node.groups.get(name);
        return copy?.leader === voterOf(node.address) ? [{ node, copy }] : [];
      })
      .sort((a, b) => b.copy.term - a.copy.term);
    const [leader, ...others] = leaders;
    if (!leader) {
      if (unsure.size === 0) unled.push(name);
      else unknown.push(`whether ${name} has a leader: it may be one of those that cannot be read`);
      continue;
    }
    const { copy, node } = leader;
    // A leader that has lost its majority goes on calling itself so (2.5.1): whether it can lead is a matter of its voters.
    const needed = majority(copy.voters.length);
    const able = copy.voters.filter((voter) => alive.has(voter)).length;
    if (able < needed) {
      const possible = able + copy.voters.filter((voter) => unsure.has(voter)).length;
      if (possible < needed) unled.push(name);
      else unknown.push(`whether ${name} has a majority: some of its voters cannot be read`);
    }
    // A leader of old times still calls itself so, and the new one does not have it, or has it as a voter.
    for (const one of others) {
      const isApart = !one.copy.voters.some((voter) => copy.voters.includes(voter));
      if (isApart) splits.add(`${node.address} and ${one.node.address}`, name);
    }
    const listed = new Set(members.map(({ address }) => voterOf(address)));
    for (const { address } of live) {
      if (!copy.voters.includes(voterOf(address))) missing.add(address, name);
    }
    for (const voter of copy.voters) if (!listed.has(voter)) phantoms.add(voter, name);
  }
  const ask = views[0]?.address ?? '';
  return {
    unknown,
    findings: [
      ...noLeader(unled),
      ...splits.all.map(([nodes, groups]): Finding => ({
        code: 'split',
        groups,
        sentence: `${nodes} each lead ${of(groups)}, and neither has the other as a voter: data written to one is not on the other (injury 1)`,
        advice:
          'No command merges them. Keep the node whose data counts, and restart the others one by one with empty data directories.',
      })),
      ...missing.all.map(([address, groups]): Finding => ({
        code: 'no-voter',
        node: address,
        groups,
        sentence: `${address} is live and listed, and no voter of ${of(groups)}: it was dropped from a list for a moment (injury 2), or has not joined yet`,
        advice: `For some 10 s after its start that is normal. Later: restart it, or say changePeers with all voters (${members.map((member) => voterOf(member.address)).join(',')}) to a leader (POST /nacos/v1/core/ops/raft), which needs no restart.`,
      })),
      ...phantoms.all.map(([voter, groups]): Finding => ({
        code: 'phantom-voter',
        groups,
        sentence: `${voter} is a voter of ${of(groups)}, and no member of the list has that address: it counts for every majority and never votes (injury 4)`,
        advice: `Say removePeer with ${voter} to a leader: curl -X POST http://${ask}/nacos/v1/core/ops/raft -H 'Content-Type: application/json' -d '${JSON.stringify({ command: 'removePeer', value: voter })}'`,
      })),
    ],
  };
}

function noLeader(groups: readonly string[]): Finding[] {
  if (groups.length === 0) return [];
  return [
    {
      code: 'no-leader',
      groups,
      sentence: `${of(groups)} cannot have a leader, so nothing can be written: no node calls itself the leader, or most voters are gone (a lost majority, or injury 3)`,
      advice:
        'During an election, up to some 10 s, that is normal. Later: start the missing nodes; if they are gone for good, recover the list and say resetPeers to the survivor with the most data.',
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

function of(groups: readonly string[]): string {
  return groups.length === 1 ? `group ${groups[0]}` : `${groups.length} groups (${groups.join(', ')})`;
}

/**
 * Those of a later look that an earlier one had, too: what is normal for a moment (a change on its way, an election, a node
 * that joins) is not found twice.
 */
export function lasting(earlier: Diagnosis, later: Diagnosis): Diagnosis {
  const keys = new Set(earlier.findings.map(keyOf));
  return { ...later, findings: later.findings.filter((finding) => keys.has(keyOf(finding))) };
}

function keyOf({ code, node, groups }: Finding): string {
  return [code, node, ...(code === 'phantom-voter' ? (groups ?? []) : [])].join(' ');
}
