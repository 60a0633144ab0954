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

/** The name of all groups that a node has, shown or not; there may be none, and then none lacks a leader. */
export const ALL_GROUPS = '*';

/** No member of any group. */
export const NOBODY = '127.0.0.1:1';

/**
 * What a node says that finds no leader, or cannot reach the one that it still names: for some 10 s that is the dead one, and then
 * the words change from one answer to the next (2.3.2, seen).
 */
const HAS_NONE =
  /Fail to (get leader|init channel to leader)|ExecutionException: (io\.grpc\.StatusRuntimeException: UNAVAILABLE|com\.alipay\.sofa\.jraft\.error\.RemotingException)/;

/**
 * Asks a node that knows the group to remove a voter that it does not have: that takes a leader, whoever it is and wherever
 * it runs, and changes nothing (JRaftOps; seen on 1.4.2 and 2.5.1: within 40 ms, with a leader and without). A leader that
 * has lost its majority says yes for some 5 s more. A lone node may lead a group too soon to learn of it, and never shows
 * that (2.5.1, seen), so no claim to lead is no proof. Undefined when nobody can be asked, or what is said means neither.
 */
export async function proveLeader(
  group: string,
  readings: readonly Reading[],
  options: NacosOptions,
  at: number,
): Promise<LeaderProof | undefined> {
  const isAll = group === ALL_GROUPS;
  const node = readings.filter(isRead).find((view) => isAll || view.groups.has(group));
  // 3.x answers the same whatever came of it (CoreOpsControllerV3, read).
  if (!node || node.version?.startsWith('3.')) return undefined;
  const command = { command: 'removePeer', value: NOBODY, groupId: isAll ? undefined : group } as const;
  const { done, reason } = await sendCommand(node, command, options);
  const { address } = node;
  if (done) return { at, node: address, isLed: true, said: '' };
  return HAS_NONE.test(reason) ? { at, node: address, isLed: false, said: reason } : undefined;
}
