import { splitAddress, type Address } from '../registry/address.js';
import { majority } from '../registry/cluster.js';
import type { ClusterView, MemberView } from '../registry/view.js';
import { isRead, ownName, showsLedGroups, type GroupCopy, type NodeView, type Reading } from './node-view.js';

/** A listed member, as far as the doctor needs it. */
export interface ListedMember extends Pick<
  MemberView,
  'address' | 'state' | 'settled' | 'source' | 'silentMs'
> {
  /**
   * True if the member is not heard but no probe shows it dead either, for instance because this server
   * reaches no node or cannot resolve its name. It may lead a group that seems to have no leader.
   */
  readonly mayLive?: boolean;
}

/** A list with the doctor's view of its members. */
export interface ListedView extends ClusterView {
  readonly members: readonly (MemberView & Pick<ListedMember, 'mayLive'>)[];
}

/** A Raft group as all nodes together show it. */
export interface RaftGroup {
  readonly name: string;
  /**
   * *led*: a live node claims to lead it, and most of its voters live. *unled*: no node claims it, or most
   * voters are gone. *unknown*: the answer depends on nodes that cannot be read.
   */
  readonly lead: 'led' | 'unled' | 'unknown';
  /**
   * The node that claims to lead, at the highest term. It keeps claiming after its majority is lost (2.5.1).
   */
  readonly leader: NodeView | undefined;
  /** The leader's copy, the only trustworthy one. */
  readonly copy: GroupCopy | undefined;
  /** Nodes that lead a group of the same name apart from this one: they share no voter with it (injury 1). */
  readonly apart: readonly NodeView[];
  /**
   * Live members that are not voters (injury 2), without those that are or may be apart, or have another name
   * in Raft.
   */
  readonly missing: readonly Address[];
  /**
   * Missing members that have followed this group: they show a copy with a leader. A member without one has
   * met no leader since its start, except perhaps itself: a lone node does not always show what it leads
   * (seen with 2.5.1). Only members that followed can be made voters by a command.
   */
  readonly dropped: readonly Address[];
  /**
   * Live members that are not voters, show no copy of this group, and lead another group apart. They probably
   * lead one of this name too.
   */
  readonly hiding: readonly Address[];
  /** Voters, as `host:raftPort`, that are not on the list (injury 4). */
  readonly phantoms: readonly string[];
  /**
   * Nodes that follow it, the leader included: their copies name the leader at its term. Their voters may be
   * stale.
   */
  readonly followers: ReadonlySet<Address>;
}

/**
 * A member's address in Raft groups. `offset`: how far the Raft port lies below the main port; 1,000 by
 * default.
 */
export function voterIn(address: Address, offset: number): string {
  const { port } = splitAddress(address);
  return address.replace(/\d+$/, String(port - offset));
}

/** The voter addresses of several members, sorted and separated by commas, as Raft commands take them. */
export function votersOf(members: readonly Pick<ListedMember, 'address'>[], offset: number): string {
  return members
    .map(({ address }) => voterIn(address, offset))
    .sort()
    .join(',');
}

/** The main address of a voter, the inverse of {@link voterIn}. */
export function memberOf(voter: string, offset: number): Address {
  return voter.replace(/\d+$/, (port) => String(Number(port) + offset));
}

export function isLiveState({ state }: Pick<ListedMember, 'state'>): boolean {
  return state === 'live' || state === 'static';
}

/** Whether a member lives, or may live as far as this server can tell. */
export function mayLive(member: Pick<ListedMember, 'state' | 'mayLive'>): boolean {
  return isLiveState(member) || member.mayLive === true;
}

/**
 * Every Raft group that any node shows, sorted by name. Each is judged by the copy of the node that claims to
 * lead it at the highest term: other copies stay stale for ever, and a lost leader's name is never cleared
 * (2.5.1). `ledElsewhere`: groups proven to have a leader that no reading shows.
 */
export function judgeGroups(
  members: readonly ListedMember[],
  readings: readonly Reading[],
  offset: number,
  ledElsewhere: ReadonlySet<string> = new Set(),
): RaftGroup[] {
  const views = readings.filter(isRead);
  const read = new Set(views.map(({ address }) => address));
  const live = members.filter(isLiveState);
  const voters = (are: readonly ListedMember[]): Set<string> =>
    new Set(are.map(({ address }) => voterIn(address, offset)));
  const ownVoter = (node: NodeView): string => voterIn(ownName(node), offset);
  const misnamed = new Set(
    views.filter(({ otherName }) => otherName !== undefined).map(({ address }) => address),
  );
  // A node that answers is alive under its own name, whether it polls or not.
  const alive = new Set(views.map(ownVoter));
  const unsure = voters(members.filter((member) => mayLive(member) && !read.has(member.address)));
  // A misnamed node's vote is not a phantom.
  const listed = new Set([...voters(members), ...alive]);
  const names = namesOf(views);
  const judged = names.map((name): RaftGroup => {
    const [first, ...others] = views
      .flatMap((node) => {
        const copy = node.groups.get(name);
        return copy?.leader === ownVoter(node) ? [{ node, copy }] : [];
      })
      .sort((a, b) => b.copy.term - a.copy.term);
    if (!first) {
      const mayHide = views.some((view) => !view.groups.has(name) && !showsLedGroups(view));
      return {
        name,
        lead: unsure.size > 0 || mayHide || ledElsewhere.has(name) ? 'unknown' : 'unled',
        leader: undefined,
        copy: undefined,
        apart: [],
        missing: [],
        dropped: [],
        hiding: [],
        phantoms: [],
        followers: new Set(),
      };
    }
    const { node: leader, copy } = first;
    const has = new Set(copy.voters);
    // A former leader still claims to lead, and the new one has it as a voter. A leader that shares no voter
    // is apart.
    const apart = others.flatMap((other) =>
      other.copy.voters.some((voter) => has.has(voter)) ? [] : [other.node],
    );
    const missing = live.flatMap(({ address }) =>
      misnamed.has(address) ||
      has.has(voterIn(address, offset)) ||
      apart.some((node) => node.address === address)
        ? []
        : [address],
    );
    const shown = new Set(
      views.flatMap(({ address, groups }) => (groups.get(name)?.leader === undefined ? [] : [address])),
    );
    return {
      name,
      lead: ledElsewhere.has(name) ? 'unknown' : canLead(copy, alive, unsure),
      leader,
      copy,
      apart,
      missing,
      dropped: missing.filter((address) => shown.has(address)),
      hiding: [],
      phantoms: copy.voters.filter((voter) => !listed.has(voter)),
      followers: new Set(
        views.flatMap((node) => {
          const own = node.groups.get(name);
          return own?.leader === copy.leader && own?.term === copy.term ? [node.address] : [];
        }),
      ),
    };
  });
  const apart = leadersApart(judged);
  return judged.map((group) => {
    const hiding = group.missing.filter((address) => apart.has(address) && !group.dropped.includes(address));
    if (hiding.length === 0) return group;
    return { ...group, hiding, missing: group.missing.filter((address) => !hiding.includes(address)) };
  });
}

/** The most groups judged. A member may invent names, so the names that most nodes show are kept. */
const MOST_GROUPS = 64;

function namesOf(views: readonly NodeView[]): string[] {
  const shown = new Map<string, number>();
  for (const { groups } of views)
    for (const name of groups.keys()) shown.set(name, (shown.get(name) ?? 0) + 1);
  const names = [...shown.keys()].sort();
  if (names.length <= MOST_GROUPS) return names;
  return names
    .sort((a, b) => (shown.get(b) ?? 0) - (shown.get(a) ?? 0))
    .slice(0, MOST_GROUPS)
    .sort();
}

/** The leaders of every group that exists more than once. */
export function leadersApart(groups: readonly RaftGroup[]): ReadonlySet<Address> {
  return new Set(
    groups.flatMap(({ leader, apart }) =>
      leader && apart.length > 0 ? [leader, ...apart].map(({ address }) => address) : [],
    ),
  );
}

function canLead(
  { voters }: GroupCopy,
  alive: ReadonlySet<string>,
  unsure: ReadonlySet<string>,
): RaftGroup['lead'] {
  const requiredVotes = majority(voters.length);
  const able = voters.filter((voter) => alive.has(voter)).length;
  if (able >= requiredVotes) return 'led';
  const possible = able + voters.filter((voter) => unsure.has(voter)).length;
  return possible < requiredVotes ? 'unled' : 'unknown';
}
