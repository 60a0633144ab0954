import { filtered, joined, majority, type Cluster, type Waiting } from './cluster.js';
import { eventOf, type RegistryEvent } from './events.js';
import { silence } from './lease.js';
import type { Moment, Step } from './moment.js';
import { quorumOf } from './quorum.js';

/** How many must wait at once before those waiting become the list. */
export function neededToFound(cluster: Cluster): number {
  if (cluster.members.size > 0) return Math.max(1, cluster.size);
  return Math.max(1, ...[...cluster.waiting.values()].map((waiting) => waiting.expect ?? 1));
}

/** R3: whoever waits and is being heard comes in, first come first served, as long as the gate is open. */
export function admit(cluster: Cluster, { now, rules }: Moment): Step {
  let current = cluster;
  const events: RegistryEvent[] = [];
  if (cluster.members.size === 0) return { cluster, events };
  for (const waiting of cluster.waiting.values()) {
    if (gate(current, { now, rules }) !== undefined) break;
    // One that is neither held nor about to try again may be dead; it comes in with its next poll.
    if (silence(waiting, now) > rules.gateHold) continue;
    const revision = current.revision + 1;
    current = {
      ...current,
      members: new Map(current.members).set(waiting.address, joined(waiting, revision, false, now)),
      waiting: filtered(current.waiting, (_, address) => address !== waiting.address),
      departed: filtered(current.departed, (_, address) => address !== waiting.address),
      revision,
      changedAt: now,
      size: Math.max(current.size, waiting.expect ?? 0),
    };
    events.push(eventOf(current, 'admitted', admission(current, waiting), waiting.address));
  }
  return { cluster: current, events };
}

function admission(cluster: Cluster, waiting: Waiting): string {
  const predecessor = [...cluster.members.values()].find(
    (member) => member.id !== undefined && member.id === waiting.id && member.address !== waiting.address,
  );
  return predecessor ? `passed the gate, to replace ${predecessor.address}` : 'passed the gate';
}

/** Why the gate is closed; undefined when it is open. */
function gate(cluster: Cluster, moment: Pick<Moment, 'now' | 'rules'>): string | undefined {
  const all = [...cluster.members.values()];
  const { held, finding } = quorumOf(cluster, moment);
  if (!held) return `${finding}, and Raft needs a majority to add one`;
  const unsettled = all.filter((member) => !member.settled);
  if (unsettled.length + 1 >= majority(all.length + 1)) {
    return `${unsettled.map((member) => member.address).join(', ')} joined only just, and new nodes must stay fewer than a majority`;
  }
  return undefined;
}

/** The sentence that a waiting caller gets. */
export function explainWaiting(cluster: Cluster, waiting: Waiting, moment: Moment): string {
  const name = `${cluster.product}/${cluster.name}`;
  if (cluster.members.size === 0) {
    return `${name} is founding: ${cluster.waiting.size} of ${neededToFound(cluster)} members wait`;
  }
  const closed = gate(cluster, moment);
  return closed === undefined
    ? `${waiting.address} waits for its turn to join ${name}`
    : `${waiting.address} waits to join ${name}: ${closed}`;
}
