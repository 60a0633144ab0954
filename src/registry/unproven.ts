import type { Member } from './cluster.js';
import { isSeenAsVoter } from './evidence.js';
import type { Moment } from './moment.js';
import { HEARD_AGAIN, REPLACED_EVICT_AFTER } from './rules.js';

/**
 * Whether nothing shows that a newcomer is a Nacos: it was not heard, nor its port found open, after it could have received
 * the list, or has given no sign of life for as long as it takes to be taken off. Whoever sent a request or two stays so,
 * and a pod that dies at its start. It counts neither for nor against a majority, unless it was seen to vote: a node asks to
 * be a voter by itself, after it has the list, and nobody makes one of an address that is only listed (2.5.1
 * JRaftServer.registerSelfToCluster). That a newcomer voted, unseen, and died before it settled cannot be known; its vote
 * is one that only its own return brings back, listed or not.
 */
export function isUnproven(member: Member, moment: Pick<Moment, 'now' | 'raft'>): boolean {
  if (member.settled || member.source === 'static') return false;
  const seenAt = Math.max(member.lease.heardAt, member.lease.openAt);
  const isProven = seenAt >= member.joinedAt + HEARD_AGAIN && moment.now - seenAt < REPLACED_EVICT_AFTER;
  return !isProven && !isSeenAsVoter(member, moment);
}
