import { majority, type Member } from './cluster.js';
import { isSeenAsVoter, isSeenOutside, leaderless } from './evidence.js';
import { isLive } from './lease.js';
import type { RuleContext } from './rule-context.js';
import { HEARD_AGAIN, REPLACED_EVICT_AFTER } from './rules.js';

/**
 * Whether nothing shows that a newcomer is a Nacos: it was neither heard nor found open after it could have
 * received the list. That holds for a client that sent one request, and for a pod that dies at its start. An
 * unproven newcomer counts neither for nor against a majority, unless it was seen to vote. A node asks by
 * itself to become a voter once it has the list, and no other node makes it one because it is listed (2.5.1
 * JRaftServer.registerSelfToCluster).
 */
export function isUnproven(member: Member, moment: Pick<RuleContext, 'now' | 'raft'>): boolean {
  if (!isNewcomer(member)) return false;
  return seenAt(member) < member.joinedAt + HEARD_AGAIN && !isSeenAsVoter(member, moment);
}

/**
 * The members of a list that count for or against a majority. A newcomer that was heard again, and then gave
 * no sign of life for as long as an eviction takes, may have been a voter or a client that asked twice. It is
 * left out when it is seen to be no voter. Otherwise it is left out only while every settled member is live,
 * since those are Raft's majority even with it (R3). With one of them dead they may not be: an eviction would
 * be lost, and blank nodes would be admitted that Raft does not add (found by the simulation). Nor are two of
 * four, when a settled member has left after two newcomers joined (found by the simulation): then such
 * newcomers count. Beside a single settled member one is left out all the same.
 *
 * When every member with data has left, so that none is settled, no majority makes up for a newcomer: a blank
 * node takes every address on its list for a voter. So a newcomer that was heard again counts unless it is
 * seen to be no voter, and an unproven one counts while a group has no leader. Otherwise no member could be
 * evicted or settle, and `recover` would find a majority (found by the simulation).
 */
export function counted(
  listed: readonly Member[],
  moment: Pick<RuleContext, 'now' | 'rules' | 'raft'>,
): readonly Member[] {
  if (!listed.some(isNewcomer)) return listed;
  const { now, rules } = moment;
  const settled = listed.filter((member) => member.settled);
  const areAllLive = settled.length > 0 && settled.every((member) => isLive(member, rules, now));
  const mayBeVoters = settled.length === 0 && leaderless(moment).length > 0;
  const isLost = (member: Member): boolean =>
    isNewcomer(member) && !isUnproven(member, moment) && now - seenAt(member) >= REPLACED_EVICT_AFTER;
  const isOutside = (member: Member): boolean => isSeenOutside(member.address, seenAt(member), moment);
  const mayHaveDied = (member: Member): boolean =>
    isNewcomer(member) && !isLive(member, rules, now) && !isUnproven(member, moment) && !isOutside(member);
  const lost = listed.filter(mayHaveDied).length;
  const areEnough = settled.length === 1 || settled.length >= majority(settled.length + lost);
  const isLeftOut = (member: Member): boolean => {
    if (isUnproven(member, moment)) return !mayBeVoters;
    if (!isLost(member)) return false;
    if (isOutside(member)) return true;
    return areAllLive && areEnough && !isSeenAsVoter(member, moment);
  };
  const proven = listed.filter((member) => !isLeftOut(member));
  return proven.length > 0 ? proven : listed;
}

function isNewcomer({ settled, source }: Member): boolean {
  return !settled && source !== 'static';
}

function seenAt({ lease }: Member): number {
  return Math.max(lease.heardAt, lease.openAt);
}
