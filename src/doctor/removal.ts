import type { Cluster } from '../registry/cluster.js';
import type { EventType, RecordedEvent } from '../registry/events.js';
import type { EventQuery } from '../registry/interfaces.js';
import type { Address } from '../registry/address.js';
import { ageOf, type Examination } from './examination.js';
import { memberOf } from './groups.js';
import { removal, type RepairStep } from './plan.js';

/**
 * For how long a voter that is on no list must have been seen before it is removed: Nacos does it by
 * itself within a poll (5 s) and a second or two, where a leader is there to do it. The issue of a leave or an eviction
 * must be known within 30 s.
 */
export const FINISH_AFTER_MS = 10_000;

/** How far back the history is searched, in events. */
const HISTORY = 500;

const GONE: ReadonlySet<EventType> = new Set(['left', 'evicted', 'replaced']);

/**
 * What finishes in Raft that members were taken off the list: only of those of whom the history says so, so that nobody
 * is removed who was never ours, who lives, or whom another list has.
 */
export async function stepsToFinish(
  cluster: Cluster,
  last: Examination,
  raftOffset: number,
  events: (query: EventQuery) => Promise<readonly RecordedEvent[]>,
  /** Whether an address is a member of any cluster here, or waits for one. */
  isListed: (address: Address) => boolean,
  /** Which voters on no list are seen to be dead. */
  dead: () => Promise<ReadonlySet<string>>,
): Promise<{ readonly steps: readonly RepairStep[]; readonly who: readonly Address[] }> {
  const none = { steps: [], who: [] };
  const { findings, groups } = last.diagnosis;
  const old = new Set(
    findings.flatMap((one) =>
      one.code === 'phantom-voter' && one.node !== undefined && ageOf(last, one) >= FINISH_AFTER_MS
        ? [one.node]
        : [],
    ),
  );
  if (old.size === 0 || cluster.quorumLost || cluster.revision !== last.view.revision) return none;
  const history = await events({ cluster, limit: HISTORY });
  const isGone = (address: Address): boolean => {
    if (isListed(address)) return false;
    const newest = history.find((event) => event.address === address);
    return newest !== undefined && GONE.has(newest.type);
  };
  const gone = [...old].filter((voter) => isGone(memberOf(voter, raftOffset)));
  if (gone.length === 0) return none;
  const isDead = await dead();
  const due = gone.filter((voter) => isDead.has(voter));
  const steps = groups.flatMap(({ name, lead, leader, phantoms }) =>
    lead !== 'led' || !leader
      ? []
      : phantoms
          // A leader that has it on its own list goes by another list than ours.
          .filter((voter) => due.includes(voter) && !leader.members.includes(memberOf(voter, raftOffset)))
          .map((voter) => removal(leader, name, voter, 'left the list')),
  );
  return { steps, who: due.map((voter) => memberOf(voter, raftOffset)) };
}
