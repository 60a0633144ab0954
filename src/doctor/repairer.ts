import type { Logger } from 'pino';
import { keyOf } from '../registry/cluster.js';
import { pause } from '../util/pause.js';
import { StoreUnavailable } from '../registry/interfaces.js';
import type { ServedCluster } from '../runtime/served-cluster.js';
import type { RegistryService } from '../runtime/registry-service.js';
import { Grouped, describeGroups } from './rules/groups.js';
import type { Examination } from './examination.js';
import { voterIn, type RaftGroup } from './groups.js';
import { sendCommand, type CommandResult, type NacosOptions, type RaftCommand } from './nacos-api.js';
import { isRead, type NodeView, type Reading } from './node-view.js';
import type { RepairStep } from './plan.js';
import { ALL_GROUPS, NOBODY, proveLeader } from './leader-proof.js';

/** How long a command may take: a leader first brings the new voter up to date. */
const COMMAND_TIMEOUT_MS = 60_000;

/** How long the nodes may take to show a command's result: an election takes up to 12 s (seen with 2.5.1). */
const VERIFY_LIMIT_MS = 45_000;

/** How long a `resetPeers` may have no effect before it is sent again; see `resetAnew`. */
const RESET_AGAIN_MS = 15_000;

/**
 * How long nodes may take to become voters by themselves. Three that moved with their disks took 25 s (seen
 * with 2.5.1): each asks once a second and first gets the leader's data.
 */
const JOIN_LIMIT_MS = 100_000;

/**
 * How long a node that follows the leader may take to become a voter before the leader is told to make it
 * one.
 */
const JOIN_FOLLOWER_LIMIT_MS = 10_000;

/**
 * The answer of a group that is busy with another change: its own removal, or one left by a repair whose
 * server was killed (seen with 2.5.1).
 */
const IS_BUSY = /Changing to another configuration|Doing another configuration change/;

/** How long a command is repeated to a busy node. */
const BUSY_LIMIT_MS = 20_000;

/** Pause between two looks, and between two renewals of the lock. */
const POLL_INTERVAL_MS = 500;
const RENEW = 5_000;

/** The services that a repair needs. */
export interface RepairTools {
  readonly service: RegistryService;
  readonly nacos: NacosOptions;
  readonly log: Logger;
  readonly raftOffset: number;
  /** Monotonic clock, in milliseconds. */
  readonly clock: () => number;
  /** Reads all nodes now. */
  readonly look: (entry: ServedCluster) => Promise<Examination>;
}

export interface Repair {
  readonly entry: ServedCluster;
  readonly steps: readonly RepairStep[];
  /** Unique name of this repair. */
  readonly holder: string;
  /** Reason in the lock's event. */
  readonly why: string;
  /** Revision of the list for which the plan was made. */
  readonly revision: number;
}

/** Ends a repair that must not continue; the message is a sentence. */
export class Surprise extends Error {}

/**
 * Takes the lock of a repair. Resolves with the reason if it is refused, else with undefined. Rejects with
 * StoreUnavailable.
 */
export async function beginRepair(
  { service }: RepairTools,
  { entry, holder, why }: Repair,
): Promise<string | undefined> {
  const { reply } = await service.command(entry.cluster, {
    type: 'repair',
    action: 'begin',
    holder,
    note: why,
  });
  if (reply.type === 'refused') return reply.reason;
  return reply.type === 'unknown' ? `${keyOf(entry.cluster)} has no list` : undefined;
}

/**
 * Carries out the steps of a repair that holds the lock. Each command must show its effect in the nodes' own
 * views before the next; the first surprise ends the repair. Every step is an event. Never rejects; resolves
 * with whether all steps are done.
 */
export async function runRepair(tools: RepairTools, repair: Repair): Promise<boolean> {
  const { service, log } = tools;
  const { entry, holder, steps } = repair;
  let done = 0;
  const end = async (action: 'repaired' | 'repair-stopped', note: string): Promise<void> => {
    await service.command(entry.cluster, { type: 'repair', action, holder, note });
  };
  try {
    for (const step of steps) {
      await carryOut(tools, repair, step);
      done++;
      await say(
        tools,
        repair,
        `${done} of ${steps.length}: ${step.sentence}: done, and seen in the nodes' own views`,
      );
    }
    await end('repaired', `${steps.length} step(s), each seen in the nodes' own views`);
    return true;
  } catch (error) {
    const isExpected = error instanceof Surprise || error instanceof StoreUnavailable;
    if (!isExpected) log.error({ err: error, cluster: keyOf(entry.cluster) }, 'a repair failed');
    const { message } = error as Error;
    const where = `after ${done} of ${steps.length} steps: ${message}. Nothing more was done; look again, and repair what is left`;
    // Without the store the lock expires by itself, which is an event too.
    await end('repair-stopped', where).catch((failure: unknown) =>
      log.warn(
        { reason: (failure as Error).message, cluster: keyOf(entry.cluster) },
        `a repair stopped ${where}`,
      ),
    );
    return false;
  }
}

async function say({ service }: RepairTools, { entry, holder }: Repair, note: string): Promise<void> {
  const { reply } = await service.command(entry.cluster, { type: 'repair', action: 'step', holder, note });
  if (reply.type === 'refused') throw new Surprise(reply.reason);
}

async function carryOut(tools: RepairTools, repair: Repair, step: RepairStep): Promise<void> {
  const { nacos } = tools;
  const { readings, diagnosis } = await renewing(tools, repair, lookWell(tools, repair));
  // The step may be done already, for instance by a repair that was interrupted.
  if (isDone(step, diagnosis.groups)) return;
  if (step.isAwaited) return renewing(tools, repair, joined(tools, repair, step));
  const node = readings.filter(isRead).find(({ address }) => address === step.node);
  if (!node) throw new Surprise(`${step.node}, the target of this step, can no longer be read`);
  assertAsPlanned(step, diagnosis.groups);
  const command = { command: step.command, value: step.value, groupId: step.group };
  const options = { ...nacos, timeout: COMMAND_TIMEOUT_MS };
  const { done, reason } = await renewing(tools, repair, insist(tools, repair, node, command, options));
  if (!done)
    throw new Surprise(
      `${step.node} did not take ${step.command} for ${step.group ?? 'its groups'}: ${reason}`,
    );
  await renewing(tools, repair, seen(tools, repair, step, node));
}

/**
 * Repeats a command while the group is busy. A change that can never finish ends when its leader gives up
 * (after 5.8 s, seen with 2.5.1).
 */
async function insist(
  tools: RepairTools,
  repair: Repair,
  node: NodeView,
  command: RaftCommand,
  options: NacosOptions,
): Promise<CommandResult> {
  const until = performance.now() + BUSY_LIMIT_MS;
  for (;;) {
    // No command is sent without the lock, nor after the list has changed.
    await say(tools, repair, '');
    assertSameList(repair);
    const result = await sendCommand(node, command, options);
    if (result.done || !IS_BUSY.test(result.reason)) return result;
    if (performance.now() > until) return result;
    await pause(POLL_INTERVAL_MS);
  }
}

/** Throws if a group's leader has changed since the plan, or has appeared. */
function assertAsPlanned(step: RepairStep, groups: readonly RaftGroup[]): void {
  const group = groups.find(({ name }) => name === step.group);
  if (step.command === 'resetPeers') {
    const wanted = step.group === undefined ? groups : groups.filter(({ name }) => name === step.group);
    const other = wanted.find(({ lead }) => lead !== 'unled');
    if (other) throw new Surprise(`group ${other.name} may have a leader by now, so it needs no resetPeers`);
    return;
  }
  if (group?.lead !== 'led')
    throw new Surprise(`group ${step.group} has lost its leader since the plan was made`);
  if (group.leader?.address !== step.node) {
    throw new Surprise(`group ${step.group} is now led by ${group.leader?.address}, not by ${step.node}`);
  }
}

/** Whether the nodes show a step's result. */
function isDone({ command, group, value }: RepairStep, groups: readonly RaftGroup[]): boolean {
  const wanted = group === undefined ? groups : groups.filter(({ name }) => name === group);
  if (wanted.length === 0) return false;
  return wanted.every(({ lead, copy, phantoms }) => {
    if (lead !== 'led' || !copy) return false;
    if (command === 'removePeer') return !copy.voters.includes(value);
    if (command === 'resetPeers' && phantoms.length > 0) return false;
    return value.split(',').every((voter) => copy.voters.includes(voter));
  });
}

/**
 * Waits until the nodes of a step have become voters by themselves. A node that follows the leader but is not
 * a voter has met a leader before and asks no more, so the leader is told to add it. No other node is added
 * by command: it may lead groups of its own.
 */
async function joined(tools: RepairTools, repair: Repair, step: RepairStep): Promise<void> {
  const { nacos, raftOffset, clock } = tools;
  const until = clock() + JOIN_LIMIT_MS;
  const following = new Map<string, number>();
  let lacking: string[] = [];
  while (clock() < until) {
    const { groups } = (await lookWell(tools, repair)).diagnosis;
    if (isDone(step, groups)) return;
    const refusals: string[] = [];
    const none = new Grouped();
    for (const { name, lead, leader, copy, dropped } of groups) {
      if (step.group !== undefined && step.group !== name) continue;
      // An election is under way, perhaps because a joining node had a higher term.
      if (lead !== 'led' || !leader || !copy) continue;
      const voters = step.value.split(',').filter((voter) => !copy.voters.includes(voter));
      for (const voter of voters) none.add(voter, name);
      const followers = dropped.map((address) => voterIn(address, raftOffset));
      const late = voters.filter((voter) => {
        const key = `${name} ${voter}`;
        if (!followers.includes(voter)) return (following.delete(key), false);
        if (!following.has(key)) following.set(key, clock());
        return clock() - (following.get(key) ?? 0) >= JOIN_FOLLOWER_LIMIT_MS;
      });
      if (late.length === 0) continue;
      const value = [...copy.voters, ...late].sort().join(',');
      const command = { command: step.command, value, groupId: name };
      const options = { ...nacos, timeout: COMMAND_TIMEOUT_MS };
      const { done, reason } = await insist(tools, repair, leader, command, options);
      if (!done) refusals.push(`${leader.address} did not take ${step.command} for ${name}: ${reason}`);
    }
    lacking = [
      ...none.all.map(([voter, names]) => `${voter} is not a voter of ${describeGroups(names)}`),
      ...refusals,
    ];
    await pause(POLL_INTERVAL_MS);
  }
  const what = lacking.length > 0 ? lacking.join('; ') : 'a group has no leader';
  throw new Surprise(
    `after ${JOIN_LIMIT_MS / 1_000} s ${what}. Restart the nodes that have not joined: they ask for it when they start. A node that is no voter even then has entries that the survivor lacks, and needs an empty data/protocol/raft`,
  );
}

/** Waits until the nodes show a command's result. */
async function seen(tools: RepairTools, repair: Repair, step: RepairStep, node: NodeView): Promise<void> {
  const { clock } = tools;
  const until = clock() + VERIFY_LIMIT_MS;
  let again = clock() + RESET_AGAIN_MS;
  while (clock() < until) {
    const look = await lookWell(tools, repair);
    if (isDone(step, look.diagnosis.groups) && (await isForEveryGroup(tools, step, look.readings, look.at)))
      return;
    if (step.command === 'resetPeers' && clock() >= again) {
      await resetAnew(tools, repair, step, node, look);
      again = clock() + RESET_AGAIN_MS;
    }
    await pause(POLL_INTERVAL_MS);
  }
  throw new Surprise(
    `${step.node} took ${step.command} for ${step.group ?? 'its groups'}, but after ${VERIFY_LIMIT_MS / 1_000} s the nodes do not show the result`,
  );
}

/**
 * Repeats a `resetPeers` that had no effect: first with an additional voter that does not exist, then
 * without. A leader that had begun to remove others when it lost its majority, as Nacos does when the list
 * has become the survivor's alone, needs both configurations to agree to the new one, which they never do.
 * Told to use that new one, it reports success and does nothing, since it is the same (JRaft 1.3.14
 * `NodeImpl.resetPeers`; seen with 2.3.2). Another configuration ends that, and no leader can be elected
 * under one whose second voter does not exist.
 */
async function resetAnew(
  tools: RepairTools,
  repair: Repair,
  { command, group, value }: RepairStep,
  node: NodeView,
  { diagnosis, readings, at }: Examination,
): Promise<void> {
  const { nacos } = tools;
  const wanted = diagnosis.groups.filter(({ name }) => group === undefined || name === group);
  const stuck = wanted.filter(({ lead }) => lead === 'unled').map(({ name }) => name);
  // Groups that are not shown have no names here.
  const isAll = group === undefined && stuck.length === wanted.length;
  const told = readings.filter(({ address }) => address === node.address);
  for (const name of isAll ? [undefined] : stuck) {
    const proof = await proveLeader(name ?? ALL_GROUPS, told, nacos, at);
    if (proof ? proof.isLed : !node.version?.startsWith('3.')) continue;
    for (const voters of [`${value},${NOBODY}`, value]) {
      const options = { ...nacos, timeout: COMMAND_TIMEOUT_MS };
      const said = { command, value: voters, groupId: name };
      const { done, reason } = await insist(tools, repair, node, said, options);
      if (!done)
        throw new Surprise(`${node.address} did not take ${command} for ${name ?? 'its groups'}: ${reason}`);
    }
  }
}

/**
 * Whether a command for every group took effect. A group is shown only after its first leader, so the node is
 * asked whether any group lacks one.
 */
async function isForEveryGroup(
  { nacos }: RepairTools,
  { node, group }: RepairStep,
  readings: readonly Reading[],
  at: number,
): Promise<boolean> {
  if (group !== undefined) return true;
  const told = readings.filter(({ address }) => address === node);
  return (await proveLeader(ALL_GROUPS, told, nacos, at))?.isLed !== false;
}

/** Looks, and throws if the list is no longer the plan's. */
async function lookWell({ look }: RepairTools, repair: Repair): Promise<Examination> {
  const examination = await look(repair.entry);
  assertSameList(repair);
  return examination;
}

function assertSameList({ entry, revision }: Repair): void {
  if (entry.cluster.revision === revision) return;
  throw new Surprise(`the list has changed, from revision ${revision} to ${entry.cluster.revision}`);
}

/** Waits for a task and renews the repair's lock meanwhile. */
async function renewing<T>(tools: RepairTools, repair: Repair, task: Promise<T>): Promise<T> {
  let failure: unknown;
  const timer = setInterval(
    () => void say(tools, repair, '').catch((error: unknown) => (failure ??= error)),
    RENEW,
  );
  try {
    const result = await task;
    if (failure !== undefined) throw failure as Error;
    return result;
  } finally {
    clearInterval(timer);
  }
}
