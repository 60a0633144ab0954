import type { Address } from '../registry/address.js';
import { sendCommand, type NacosOptions } from './nacos-api.js';
import { isRead, type Reading } from './node-view.js';

/** A node's answer to the question whether a Raft group has a leader. */
export interface LeaderProof {
  /** Time of the answer, on the clock of the looks. */
  readonly at: number;
  readonly node: Address;
  readonly isLed: boolean;
  /** The node's own message if there is no leader. */
  readonly said: string;
}

/** Stands for all groups of a node, shown or not. There may be none, and then none lacks a leader. */
export const ALL_GROUPS = '*';

/** A voter that is in no group. */
export const NOBODY = '127.0.0.1:1';

/**
 * Messages of a node that finds no leader, or cannot reach the one that it still names. For some 10 s that is
 * the dead one, and then the message changes from one answer to the next (seen with 2.3.2).
 */
const HAS_NONE =
  /Fail to (get leader|init channel to leader)|ExecutionException: (io\.grpc\.StatusRuntimeException: UNAVAILABLE|com\.alipay\.sofa\.jraft\.error\.RemotingException)/;

/**
 * Asks a node that knows the group to remove a voter that does not exist. That takes a leader, wherever it
 * runs, and changes nothing (JRaftOps; seen with 1.4.2 and 2.5.1: within 40 ms, with and without a leader). A
 * leader that has lost its majority still agrees for some 5 s. A claim to lead is not needed: a lone node may
 * win its election too early to learn of it, and then never claims to lead (seen with 2.5.1). Undefined if no
 * node can be asked, or the answer means neither.
 */
export async function proveLeader(
  group: string,
  readings: readonly Reading[],
  options: NacosOptions,
  at: number,
): Promise<LeaderProof | undefined> {
  const isAll = group === ALL_GROUPS;
  const node = readings.filter(isRead).find((view) => isAll || view.groups.has(group));
  // 3.x answers the same in both cases (CoreOpsControllerV3, source).
  if (!node || node.version?.startsWith('3.')) return undefined;
  const command = { command: 'removePeer', value: NOBODY, groupId: isAll ? undefined : group } as const;
  const { done, reason } = await sendCommand(node, command, options);
  const { address } = node;
  if (done) return { at, node: address, isLed: true, said: '' };
  return HAS_NONE.test(reason) ? { at, node: address, isLed: false, said: reason } : undefined;
}
