import { joinLimited } from './address.js';
import { isSeenToVote, lackingGroups, leaderless } from './evidence.js';
import { keyOf, type Cluster, type Member } from './cluster.js';
import { isJustBack, isLive, NEVER, silence } from './lease.js';
import type { RuleContext } from './rule-context.js';
import { lacking, leastRevision, quorumOf } from './quorum.js';
import { LATE_POLL, SETTLE_AS_VOTER, type Rules } from './rules.js';

/**
 * What keeps a joiner's time to settle from running, as the rest of a sentence; undefined while it runs. It
 * runs once the joiner and the other live members have polled a list with the joiner on it. It restarts when
 * the joiner's next poll is late, or while no majority is live or a group has no leader: Raft cannot have
 * added the joiner then, and it may come back as blank as it came. A member does not count as live here just
 * after it came back, or after its agent reported a start: while the only node with data starts, two blank
 * ones would settle and outvote it. Looks at the list once for all joiners, of which there may be a thousand.
 */
export function settlingHindrances(
  cluster: Cluster,
  moment: RuleContext,
): (member: Member) => (() => string) | undefined {
  const { held, finding } = quorumOf(cluster, moment, takesPart);
  const least = leastRevision(cluster, moment);
  const unled = leaderless(moment);
  return (member) => {
    const unheard = whyUnheard(member, moment);
    if (unheard !== undefined) return () => unheard;
    if (!held) return () => `${finding()}, no majority`;
    if (least < member.joinedRevision)
      return () =>
        `not yet sent the list with it: ${joinLimited(lacking(cluster, member.joinedRevision, moment))}`;
    if (unled.length > 0) return () => `${joinLimited(unled)} has no leader that could make it a voter`;
    const groups = lackingGroups(member, moment);
    return groups.length === 0
      ? undefined
      : () => `Raft has not made it a voter of ${joinLimited(groups)} yet`;
  };
}

/**
 * A TTL is long enough for two requests: a Nacos polls every 5 s, and the port of a node that only POSTs is
 * probed meanwhile. So shorter gaps must count here.
 */
function whyUnheard(member: Member, { now, rules }: RuleContext): string | undefined {
  const { polls, failedAt, heardAt } = member.lease;
  if (!isLive(member, rules, now)) return 'it is not heard';
  if (member.source === 'static') return undefined;
  if (polls && silence(member, now) > LATE_POLL) return 'its next poll is late';
  return failedAt !== NEVER && failedAt >= heardAt ? 'its port does not answer' : undefined;
}

/** Live, and not just back from a restart. */
function takesPart(member: Member, rules: Rules, now: number): boolean {
  return isLive(member, rules, now) && !isJustBack(member, now);
}

/**
 * How long nothing may have hindered a joiner before it has settled, in milliseconds. The time is shorter
 * when it was seen to be a voter of every group, and to follow the leaders.
 */
export function settleTime(member: Member, moment: RuleContext): number {
  const { settleAfter } = moment.rules;
  return isSeenToVote(member, moment) ? Math.min(settleAfter, SETTLE_AS_VOTER) : settleAfter;
}

/** A sentence: what a listed member still lacks to settle. Undefined for a settled one. */
export function whyUnsettled(member: Member, cluster: Cluster, moment: RuleContext): string | undefined {
  if (member.settled) return undefined;
  const { now } = moment;
  const seconds = (ms: number): string => `${Math.floor(ms / 1_000)} s`;
  const wanted = `${settleTime(member, moment) / 1_000} s`;
  const lacks =
    settlingHindrances(cluster, moment)(member)?.() ??
    `all live members have had the list with it for ${seconds(now - (member.knownSince ?? now))} of ${wanted}`;
  return `${member.address} is on the list of ${keyOf(cluster)} and has not settled yet: ${lacks}. That is normal for the first ${wanted} or so after it joined`;
}
