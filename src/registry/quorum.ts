import type { Address } from './address.js';
import { majority, type Cluster, type Member } from './cluster.js';
import { hasRevision, isLive, lastAlive } from './lease.js';
import type { RuleContext } from './rule-context.js';
import { JOINING, LIST_DIGESTED, type Rules } from './rules.js';
import { counted } from './unproven.js';

export interface Quorum {
  readonly held: boolean;
  /** A clause such as "only 1 of 3 members are live". A function, since most callers never use it. */
  readonly finding: () => string;
  /** Live members of the whole list. */
  readonly live: number;
}

/**
 * Whether the live members can be a Raft majority. They must be a majority of the list and of the possible
 * voters. A node that joined only after a member's last sign of life, or just before it, may never have
 * become a voter, since that took a majority too. Otherwise newcomers would make up for dead voters on the
 * list alone (found by the simulation: they ended as a second group). A newcomer that nothing shows to be a
 * node counts neither way (unproven.ts), unless there are only such.
 */
export function quorumOf(
  { members }: Cluster,
  moment: Pick<RuleContext, 'now' | 'rules' | 'raft'>,
  takesPart: (member: Member, rules: Rules, now: number) => boolean = isLive,
): Quorum {
  const { now, rules } = moment;
  const listed = [...members.values()];
  const isCounted = (member: Member): boolean => takesPart(member, rules, now);
  const all = counted(listed, moment);
  const live = all.filter(isCounted);
  const isAll = all.length === listed.length;
  const onList = isAll ? live.length : listed.filter(isCounted).length;
  const of = (): string => `${isAll ? '' : 'the '}${all.length} members${isAll ? '' : ' that count'}`;
  if (live.length < majority(all.length)) {
    return { held: false, live: onList, finding: () => `only ${live.length} of ${of()} are live` };
  }
  const firstDeath = all.reduce(
    (first, member) => (isLive(member, rules, now) ? first : Math.min(first, lastAlive(member))),
    Infinity,
  );
  const isVoter = (member: Member): boolean => member.settled || member.joinedAt + JOINING <= firstDeath;
  const voters = all.filter(isVoter).length;
  const liveVoters = live.filter(isVoter).length;
  if (voters > 0 && liveVoters < majority(voters)) {
    const finding = (): string => `only ${liveVoters} of the ${voters} members that can be voters are live`;
    return { held: false, live: onList, finding };
  }
  return { held: true, live: onList, finding: () => `${live.length} of ${of()} are live` };
}

/** Explains a lost majority and what to do about it. */
export function quorumAdvice(finding: string): string {
  return (
    `${finding}, no majority: the list is kept as it is and nobody is evicted. ` +
    'Restart the missing nodes at their addresses; if they are gone for good, start new ones and recover the cluster'
  );
}

/** The newest revision that every live member has; Infinity without live members or when none lacks any. */
export function leastRevision(cluster: Cluster, { now, rules }: Pick<RuleContext, 'now' | 'rules'>): number {
  let least = Infinity;
  for (const member of cluster.members.values()) {
    const { delivered } = member.lease;
    if (delivered >= least || !isLive(member, rules, now)) continue;
    if (!hasRevision(member, delivered + 1, cluster, rules, now)) least = delivered;
  }
  return least;
}

/** The live members that do not have the list of a revision yet. */
export function lacking(
  cluster: Cluster,
  revision: number,
  moment: Pick<RuleContext, 'now' | 'rules'>,
): Address[] {
  return addressesOf(cluster, (member) => lacks(member, revision, cluster, moment));
}

/** The live members that may not have applied a revision yet; see {@link LIST_DIGESTED}. */
export function notFollowed(
  cluster: Cluster,
  revision: number,
  moment: Pick<RuleContext, 'now' | 'rules'>,
): Address[] {
  return addressesOf(cluster, (member) => isBehind(member, revision, cluster, moment));
}

/** Whether a live member does not have the list of a revision yet; see {@link lacking}. */
export function lacks(
  member: Member,
  revision: number,
  cluster: Cluster,
  { now, rules }: Pick<RuleContext, 'now' | 'rules'>,
): boolean {
  return isLive(member, rules, now) && !hasRevision(member, revision, cluster, rules, now);
}

/** Whether a live member may not have applied a revision yet; see {@link notFollowed}. */
export function isBehind(
  member: Member,
  revision: number,
  cluster: Cluster,
  moment: Pick<RuleContext, 'now' | 'rules'>,
): boolean {
  const { polls, deliveredAt, delivered } = member.lease;
  const digests = polls && moment.now - deliveredAt < LIST_DIGESTED && delivered >= revision;
  return digests || lacks(member, revision, cluster, moment);
}

function addressesOf({ members }: Cluster, wanted: (member: Member) => boolean): Address[] {
  return [...members.values()].filter(wanted).map(({ address }) => address);
}
