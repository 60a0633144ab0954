import type { Cluster } from '../registry/cluster.js';
import type { EventType, RecordedEvent } from '../registry/events.js';
import type { EventQuery } from '../registry/ports.js';
import type { Address } from '../registry/address.js';
import { ageOf, type Examination } from './examination.js';
import { memberOf } from './groups.js';
import type { RepairStep } from './plan.js';

/**
 * For how long a voter that is on no list must have been seen before it is removed, in milliseconds: Nacos does it by
 * itself within a poll (5 s) and a second or two, where a leader is there to do it. The issue of a leave or an eviction
 * must be known within 30 s.
 */
export const FINISH_AFTER = 10_000;

/** How far back the history is searched, in events. */
const HISTORY = 500;

const GONE: ReadonlySet<EventType> = new Set(['left', 'evicted', 'replaced']);

/**
 * What finishes in Raft that members were taken off the list: only of those of whom the history says so, so that nobody
 * is removed who was never ours; and only where every group has its leader.
 */
export async function stepsToFinish(
  cluster: Cluster,
  last: Examination,
  raftOffset: number,
  events: (query: EventQuery) => Promise<readonly RecordedEvent[]>,
): Promise<{ readonly steps: readonly RepairStep[]; readonly who: readonly Address[] }> {
  const none = { steps: [], who: [] };
  const { findings, groups } = last.diagnosis;
  const old = new Set(
    findings.flatMap((one) =>
      one.code === 'phantom-voter' && one.node !== undefined && ageOf(last, one) >= FINISH_AFTER
        ? [one.node]
        : [],
    ),
  );
  if (old.size === 0 || cluster.quorumLost || cluster.revision !== last.view.revision) return none;
  const history = await events({ cluster, limit: HISTORY });
  const isGone = (address: Address): boolean => {
    if (cluster.members.has(address) || cluster.waiting.has(address)) return false;
    const newest = history.find((event) => event.address === address);
    return newest !== undefined && GONE.has(newest.type);
  };
  const due = [...old].filter((voter) => isGone(memberOf(voter, raftOffset)));
  const steps = groups.flatMap(({ name, lead, leader, phantoms }) =>
    lead !== 'led' || !leader
      ? []
      : phantoms
          .filter((voter) => due.includes(voter))
          .map((voter): RepairStep => ({
            command: 'removePeer',
            node: leader.address,
            group: name,
            value: voter,
            sentence: `let ${leader.address} remove ${voter}, which left the list, from the voters of group ${name}`,
          })),
  );
  return { steps, who: due.map((voter) => memberOf(voter, raftOffset)) };
}
