import assert from 'node:assert/strict';

/** What a node says of one Raft group. */
export interface GroupCopy {
  readonly leader?: string;
  readonly term?: number;
  readonly raftGroupMember?: readonly string[];
}

/** What a node says of one member. */
export interface MemberCopy {
  readonly address: string;
  readonly state: string;
  readonly extendInfo?: {
    readonly raftMetaData?: { readonly metaDataMap?: Readonly<Record<string, GroupCopy>> };
  };
}

/** A node that can be asked. */
export interface Believer {
  readonly address: string;
  /** Its address in Raft groups. */
  readonly voter: string;
  /** Whether it shows every Raft group that has a leader. What others show comes and goes, so nothing is taken from it. */
  readonly showsGroups: boolean;
  /** Its view of the members; rejects while it does not answer. */
  view(): Promise<readonly MemberCopy[]>;
}

/** A Raft group as its leader knows it. */
export interface Group {
  readonly leader: string;
  readonly voters: readonly string[];
  readonly term: number;
}

/** What nodes believe, in words, and whether it is the same and right. */
export interface Verdict {
  readonly agreed: boolean;
  readonly output: string;
}

/** A node's copy of a group. */
interface Copy extends Group {
  readonly of: Believer;
}

/** Its own copy of every Raft group, in the view of the node with this address. */
export function groupsIn(view: readonly MemberCopy[], address: string): Readonly<Record<string, GroupCopy>> {
  const own = view.find((member) => member.address === address);
  return own?.extendInfo?.raftMetaData?.metaDataMap ?? {};
}

/** Every Raft group that is shown, by the copy of the node that calls itself its leader, at the highest term. */
export async function groupsOf(nodes: readonly Believer[]): Promise<ReadonlyMap<string, Group>> {
  const views = await Promise.all(nodes.map((node) => node.view()));
  const found = new Map<string, Group>();
  for (const [name, copies] of copiesOf(nodes, views)) {
    const led = ledIn(copies);
    if (led) found.set(name, led);
  }
  return found;
}

/**
 * Whether every node lists exactly these nodes, all UP, and, where they show their Raft groups, each of these has one
 * leader, named by all, and exactly these nodes as voters. A follower's copy of a group can be stale for ever, so each is
 * judged by the copy of the node that calls itself its leader; Nacos never clears a lost leader's name, so a leader that
 * is none of the given nodes is none.
 */
export async function judge(nodes: readonly Believer[]): Promise<Verdict> {
  const looks = await Promise.all(nodes.map(look));
  const wanted = nodes.map(({ address }) => `${address} UP`).sort();
  const findings = nodes.map((node, i) => aboutMembers(node, looks[i] ?? 'unreachable', wanted));
  const views = looks.map((seen) => (typeof seen === 'string' ? [] : seen));
  if (nodes.some(({ showsGroups }) => showsGroups)) findings.push(...aboutGroups(nodes, views));
  return {
    agreed: findings.every(({ ok }) => ok),
    output: findings.map(({ ok, text }) => `${ok ? 'ok ' : 'BAD'} ${text}`).join('\n'),
  };
}

/** The nodes, first the one that leads most groups; in any order where they do not show their groups. */
export function mostLeadingFirst<T extends Believer>(
  nodes: readonly T[],
  groups: ReadonlyMap<string, Group>,
): [T, ...T[]] {
  const leaders = [...groups.values()].map(({ leader }) => leader);
  const led = (node: T): number => leaders.filter((leader) => leader === node.voter).length;
  const sorted = [...nodes].sort((a, b) => led(b) - led(a));
  assert.ok(sorted[0] && (!sorted[0].showsGroups || led(sorted[0]) > 0), 'somebody leads');
  return sorted as [T, ...T[]];
}

export function addressesOf(nodes: readonly Pick<Believer, 'address'>[]): string[] {
  return nodes.map(({ address }) => address).sort();
}

interface Finding {
  readonly ok: boolean;
  readonly text: string;
}

async function look(node: Believer): Promise<readonly MemberCopy[] | string> {
  return node.view().catch((error: unknown) => `unreachable: ${(error as Error).message}`);
}

function aboutMembers(
  { address }: Believer,
  seen: readonly MemberCopy[] | string,
  wanted: readonly string[],
): Finding {
  if (typeof seen === 'string') return { ok: false, text: `${address}: ${seen}` };
  const members = seen.map((member) => `${member.address} ${member.state}`).sort();
  return { ok: members.join() === wanted.join(), text: `${address}: members ${members.join(', ')}` };
}

function aboutGroups(nodes: readonly Believer[], views: readonly (readonly MemberCopy[])[]): Finding[] {
  const groups = copiesOf(nodes, views);
  if (groups.size === 0) return [{ ok: false, text: 'no Raft group has met a leader' }];
  const sorted = [...groups].sort(([a], [b]) => a.localeCompare(b));
  return sorted.map(([name, copies]) => aboutGroup(name, copies, nodes));
}

function aboutGroup(name: string, copies: readonly Copy[], nodes: readonly Believer[]): Finding {
  const named = [...new Set(copies.map(({ leader }) => leader))].sort();
  const led = ledIn(copies);
  if (!led) return { ok: false, text: `${name}: no leader among these nodes, they name ${named.join(', ')}` };
  const voters = nodes.map(({ voter }) => voter).sort();
  const knowing = copies.length === nodes.length ? '' : `; ${copies.length} of ${nodes.length} nodes know it`;
  const split = named.length === 1 ? '' : `; the nodes name the leaders ${named.join(', ')}`;
  return {
    ok: led.voters.join() === voters.join() && knowing === '' && split === '',
    text: `${name}: leader ${led.leader}, term ${led.term}, voters ${led.voters.join(', ')}${split}${knowing}`,
  };
}

/**
 * All copies of each group, of those nodes that show every group. A 1.4.x that polls forgets what it shows at each poll, and
 * shows anew what it knew of a group when anything happens in one (`ServerMemberManager.memberChange`, `JRaftProtocol`).
 */
function copiesOf(
  nodes: readonly Believer[],
  views: readonly (readonly MemberCopy[])[],
): ReadonlyMap<string, readonly Copy[]> {
  const groups = new Map<string, Copy[]>();
  for (const [i, of] of nodes.entries()) {
    if (!of.showsGroups) continue;
    for (const [name, copy] of Object.entries(groupsIn(views[i] ?? [], of.address))) {
      const { leader = 'nobody', term = 0, raftGroupMember = [] } = copy;
      const copies = groups.get(name) ?? [];
      copies.push({ of, leader, term, voters: [...raftGroupMember].sort() });
      groups.set(name, copies);
    }
  }
  return groups;
}

/** The copy of the node that calls itself the leader, at the highest term. */
function ledIn(copies: readonly Copy[]): Copy | undefined {
  const own = copies.filter(({ of, leader }) => leader === of.voter);
  return own.reduce<Copy | undefined>((best, one) => (best && best.term >= one.term ? best : one), undefined);
}
