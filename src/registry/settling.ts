import { keyOf, type Cluster, type Member } from './cluster.js';
import { isLive } from './lease.js';
import type { Moment } from './moment.js';
import { lacking, quorumOf } from './quorum.js';

/**
 * What keeps a joiner's time to settle from running, as the rest of a sentence; undefined while it runs. It runs when
 * the joiner has polled a list with itself on it, as have the other live members. It starts anew when the joiner is
 * silent, or when no majority is live: Raft cannot have added it then, and it may come back as blank as it came.
 */
export function settlingHindrance(member: Member, cluster: Cluster, moment: Moment): string | undefined {
  if (!isLive(member, moment.rules, moment.now)) return 'it is not heard';
  const { held, finding } = quorumOf(cluster, moment);
  if (!held) return `${finding}, no majority`;
  const without = lacking(cluster, member.joinedRevision, moment);
  return without.length === 0 ? undefined : `not yet sent the list with it: ${without.join(', ')}`;
}

/** What a listed member that has not settled lacks: a sentence. Undefined for one that has. */
export function whyUnsettled(member: Member, cluster: Cluster, moment: Moment): string | undefined {
  if (member.settled) return undefined;
  const { now, rules } = moment;
  const seconds = (ms: number): string => `${Math.floor(ms / 1_000)} s`;
  const wanted = `${rules.settleAfter / 1_000} s`;
  const lacks =
    settlingHindrance(member, cluster, moment) ??
    `all live members have had the list with it for ${seconds(now - (member.knownSince ?? now))} of ${wanted}`;
  return `${member.address} is on the list of ${keyOf(cluster)} and has not settled yet: ${lacks}. That is normal for the first ${wanted} or so after it joined`;
}
