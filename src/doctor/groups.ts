import { splitAddress, type Address } from '../registry/address.js';
import { majority } from '../registry/cluster.js';
import type { MemberView } from '../registry/view.js';
import { isRead, type GroupCopy, type NodeView, type Reading } from './node-view.js';

/** What is to be known of a member beside its own words. */
export type ListedMember = Pick<MemberView, 'address' | 'state' | 'settled' | 'source' | 'silentMs'>;

/** A Raft group as the nodes together show it. */
export interface RaftGroup {
  readonly name: string;
  /**
   * *led*: a live node calls itself its leader, and most of its voters live. *unled*: none does, or they do not.
   * *unknown*: that depends on nodes that cannot be read.
   */
  readonly lead: 'led' | 'unled' | 'unknown';
  /** Who calls itself the leader, at the highest term; it goes on doing so when its majority is lost (2.5.1). */
  readonly leader: NodeView | undefined;
  /** The leader's copy, the only one to be trusted. */
  readonly copy: GroupCopy | undefined;
  /** Others that lead a group of the same name, and that neither know nor are known (injury 1). */
  readonly apart: readonly NodeView[];
  /** Live members that are no voters (injury 2); those that are apart not among them. */
  readonly missing: readonly Address[];
  /** Voters, as `host:raftPort`, that are not on the list (injury 4). */
  readonly phantoms: readonly string[];
  /** Nodes that follow it, the leader among them: their own copies name the leader at its term. Their voters may be stale. */
  readonly followers: ReadonlySet<Address>;
}

/** A member's address in Raft groups. `offset`: how far a node's Raft port lies below its main port, 1,000 by default. */
export function voterOf(address: Address, offset: number): string {
  const { port } = splitAddress(address);
  return address.replace(/\d+$/, String(port - offset));
}

/** The main address of a voter; see {@link voterOf}. */
export function memberOf(voter: string, offset: number): Address {
  return voter.replace(/\d+$/, (port) => String(Number(port) + offset));
}

export function isLiveState({ state }: Pick<ListedMember, 'state'>): boolean {
  return state === 'live' || state === 'static';
}

/**
 * Every Raft group that any node shows, in the order of their names, each judged by the copy of the node that calls
 * itself its leader, at the highest term: other copies stay stale for ever, and a lost leader's name is never cleared
 * (2.5.1). `ledElsewhere`: groups that were proven to have a leader, whoever that is.
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
    new Set(are.map(({ address }) => voterOf(address, offset)));
  const alive = voters(live.filter(({ address }) => read.has(address)));
  const unsure = voters(live.filter(({ address }) => !read.has(address)));
  const listed = voters(members);
  const names = [...new Set(views.flatMap(({ groups }) => [...groups.keys()]))].sort();
  return names.map((name): RaftGroup => {
    const [first, ...others] = views
      .flatMap((node) => {
        const copy = node.groups.get(name);
        return copy?.leader === voterOf(node.address, offset) ? [{ node, copy }] : [];
      })
      .sort((a, b) => b.copy.term - a.copy.term);
    if (!first) {
      return {
        name,
        lead: unsure.size === 0 && !ledElsewhere.has(name) ? 'unled' : 'unknown',
        leader: undefined,
        copy: undefined,
        apart: [],
        missing: [],
        phantoms: [],
        followers: new Set(),
      };
    }
    const { node: leader, copy } = first;
    // A leader of old times still calls itself so, and the new one has it as a voter; one that shares no voter is apart.
    const apart = others.flatMap((other) =>
      other.copy.voters.some((voter) => copy.voters.includes(voter)) ? [] : [other.node],
    );
    return {
      name,
      lead: ledElsewhere.has(name) ? 'unknown' : canLead(copy, alive, unsure),
      leader,
      copy,
      apart,
      missing: live.flatMap(({ address }) =>
        copy.voters.includes(voterOf(address, offset)) || apart.some((node) => node.address === address)
          ? []
          : [address],
      ),
      phantoms: copy.voters.filter((voter) => !listed.has(voter)),
      followers: new Set(
        views.flatMap((node) => {
          const own = node.groups.get(name);
          return own?.leader === copy.leader && own?.term === copy.term ? [node.address] : [];
        }),
      ),
    };
  });
}

function canLead(
  { voters }: GroupCopy,
  alive: ReadonlySet<string>,
  unsure: ReadonlySet<string>,
): RaftGroup['lead'] {
  const needed = majority(voters.length);
  const able = voters.filter((voter) => alive.has(voter)).length;
  if (able >= needed) return 'led';
  const possible = able + voters.filter((voter) => unsure.has(voter)).length;
  return possible < needed ? 'unled' : 'unknown';
}
