import { keyOf, type ClusterState, type ClusterSummary, type ClusterView, type MemberView } from './types.js';

/** The worst first. */
export const STATES: readonly ClusterState[] = [
  'damaged',
  'quorum-lost',
  'impaired',
  'bootstrapping',
  'whole',
  'empty',
];

const STATE_RANK = new Map(STATES.map((state, rank) => [state, rank]));

const byName = new Intl.Collator('en', { numeric: true });

/** Whether a state needs an operator's attention. */
export function isTroubled(state: ClusterState): boolean {
  return state === 'damaged' || state === 'quorum-lost' || state === 'impaired' || state === 'bootstrapping';
}

/** Whether a cluster needs attention, because of its state or because Raft is unhealthy. */
export function needsLook({
  state,
  raftProblems = 0,
}: Pick<ClusterSummary, 'state' | 'raftProblems'>): boolean {
  return isTroubled(state) || raftProblems > 0;
}

/**
 * Whether a cluster may be deleted, as far as the page can tell: no member is live. The server knows the
 * rest, and says why not yet.
 */
export function mayBeGivenUp({ state, members }: Pick<ClusterView, 'state' | 'members'>): boolean {
  return state !== 'damaged' && members.every((member) => member.state !== 'live');
}

/** Sorts clusters: those in trouble first, then by name. */
export function inOrder(clusters: Iterable<ClusterSummary>): ClusterSummary[] {
  return [...clusters]
    .map((cluster) => ({ cluster, key: keyOf(cluster), rank: clusterRank(cluster) }))
    .sort((a, b) => a.rank - b.rank || byName.compare(a.key, b.key))
    .map(({ cluster }) => cluster);
}

/** A cluster's rank in the order; unhealthy ones rank with those in trouble. */
function clusterRank({ state, raftProblems = 0 }: ClusterSummary): number {
  const rank = STATE_RANK.get(state) ?? 0;
  return raftProblems > 0 ? Math.min(rank, STATES.indexOf('impaired')) : rank;
}

export function countStates(clusters: Iterable<ClusterSummary>): ReadonlyMap<ClusterState, number> {
  const counts = new Map<ClusterState, number>(STATES.map((state) => [state, 0]));
  for (const { state } of clusters) counts.set(state, (counts.get(state) ?? 0) + 1);
  return counts;
}

export type MemberState = MemberView['state'];

/** The worst first. */
export const MEMBER_STATES: readonly MemberState[] = ['down', 'silent', 'live', 'static'];

/** Sorts members: first those that are down, silent, refused or unsettled, then by address. */
export function membersInOrder(members: readonly MemberView[]): MemberView[] {
  return [...members]
    .map((member) => ({ member, rank: memberRank(member) }))
    .sort((a, b) => a.rank - b.rank || byName.compare(a.member.address, b.member.address))
    .map(({ member }) => member);
}

function memberRank({ state, settled, refused, problem }: MemberView): number {
  if (state === 'down') return 0;
  if (state === 'silent') return 1;
  if (refused !== undefined || problem !== undefined) return 2;
  return settled ? 4 : 3;
}

/** A test whether a text has all words of a search, ignoring case. */
export function matcher(search: string): (text: string) => boolean {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return (text) => {
    const lower = text.toLowerCase();
    return words.every((word) => lower.includes(word));
  };
}
