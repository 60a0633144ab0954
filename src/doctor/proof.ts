import type { Address } from '../registry/address.js';
import { sendCommand, type NacosOptions } from './nacos-api.js';
import { isRead, type Reading } from './node-view.js';

/** What a node said when it was asked for a proof that a Raft group has a leader. */
export interface LeaderProof {
  /** When, on the clock of the looks. */
  readonly at: number;
  readonly node: Address;
  readonly isLed: boolean;
  /** Its words, when there is none. */
  readonly said: string;
}

/** No member of any group. */
const NOBODY = '127.0.0.1:1';

/**
 * Asks a node that knows the group to remove a voter that it does not have: that takes a leader, whoever it is and wherever
 * it runs, and changes nothing (JRaftOps; seen on 1.4.2 and 2.5.1: within 40 ms, with a leader and without). A leader that
 * has lost its majority says yes for some 5 s more. Undefined when nobody can be asked, or what is said means neither.
 */
export async function proveLeader(
  group: string,
  readings: readonly Reading[],
  options: NacosOptions,
  at: number,
): Promise<LeaderProof | undefined> {
  const node = readings.filter(isRead).find((view) => view.groups.has(group));
  if (!node) return undefined;
  const command = { command: 'removePeer', value: NOBODY, groupId: group } as const;
  const { done, reason } = await sendCommand(node, command, options);
  const { address } = node;
  if (done) return { at, node: address, isLed: true, said: '' };
  const isNone = /Fail to (get leader|init channel to leader)/.test(reason);
  return isNone ? { at, node: address, isLed: false, said: reason } : undefined;
}
