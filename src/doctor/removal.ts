import type { Cluster } from '../registry/cluster.js';
import type { EventType, RecordedEvent } from '../registry/events.js';
import type { EventQuery } from '../registry/interfaces.js';
import type { Address } from '../registry/address.js';
import { ageOf, type Examination } from './examination.js';
import { memberOf } from './groups.js';
import { removal, type RepairStep } from './plan.js';

/**
 * How long a phantom voter must be seen before it is removed. Nacos removes it by itself within a poll (5 s)
 * and a second or two, if there is a leader. A leave or an eviction must have a result within 30 s.
 */
export const FINISH_AFTER_MS = 10_000;

/** How many events of the history are searched. */
const HISTORY = 500;

const GONE: ReadonlySet<EventType> = new Set(['left', 'evicted', 'replaced']);

/**
 * The steps that remove departed members from Raft. Only members that left by the history: never one that was
 * not ours, that lives, or that another list has.
 */
export async function stepsToFinish(
  cluster: Cluster,
  last: Examination,
  raftOffset: number,
  events: (query: EventQuery) => Promise<readonly RecordedEvent[]>,
  /** Whether an address is listed or waiting in any cluster here. */
  isListed: (address: Address) => boolean,
  /** The phantom voters that are known to be dead. */
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
          // A leader that lists the voter uses another list than ours.
          .filter((voter) => due.includes(voter) && !leader.members.includes(memberOf(voter, raftOffset)))
          .map((voter) => removal(leader, name, voter, 'left the list')),
  );
  return { steps, who: due.map((voter) => memberOf(voter, raftOffset)) };
}
