import { createHash } from 'node:crypto';
import type { Address } from '../registry/address.js';
import { majority } from '../registry/cluster.js';
import {
  isLiveState,
  leadersApart,
  mayLive,
  voterIn,
  votersOf,
  type ListedMember,
  type RaftGroup,
} from './groups.js';
import { Grouped, describeGroups } from './rules/groups.js';
import { NORMAL_FOR } from './findings.js';
import type { RaftCommand } from './nacos-api.js';
import { ALL_GROUPS, type LeaderProof } from './leader-proof.js';
import { canReset, isRead, ownName, showsLedGroups, type NodeView, type Reading } from './node-view.js';
import { baseOf, stepsOfReset } from './reset.js';

/** One command to one node, and the result it must have. */
export interface RepairStep {
  readonly command: RaftCommand['command'];
  /** The node that receives the command: the group's leader, or the survivor. */
  readonly node: Address;
  /** The Raft group; absent if the command is for all groups. */
  readonly group?: string;
  /** The command's value: one voter, or all voters as `host:raftPort`, separated by commas. */
  readonly value: string;
  /**
   * Set if most nodes become voters by themselves, so the command is sent only for those that do not
   * (repairer.ts).
   */
  readonly isAwaited?: true;
  /** A sentence. */
  readonly sentence: string;
}

/** The steps that would repair a cluster's Raft groups, in order. Nothing is done yet. */
export interface RepairPlan {
  /** Hash of the plan, so the plan that is carried out is the one that was confirmed. */
  readonly id: string;
  readonly steps: readonly RepairStep[];
  /** Data that may be lost: sentences. */
  readonly dataLossRisks: readonly string[];
  /** Repairs that no command can make, and how to make them by hand: sentences, in order. */
  readonly manualSteps: readonly string[];
  /** Why nothing can be planned now; absent if there is a plan or nothing to do. */
  readonly refused?: string;
  /**
   * Set if the refusal may pass by itself within a minute, so asking again makes sense. `refused` says what
   * is awaited.
   */
  readonly isPassing?: true;
}

/** The state to repair, as it was read. */
export interface RepairInput {
  readonly members: readonly ListedMember[];
  readonly readings: readonly Reading[];
  readonly groups: readonly RaftGroup[];
  readonly raftOffset: number;
  /** Whether a majority of the list is live. Without one the list must be recovered first (R7). */
  readonly hasMajority: boolean;
  /** Phantom voters that are known to be dead (phantoms.ts). */
  readonly dead: ReadonlySet<string>;
  /** Recent leader proofs of groups without a visible leader (leader-proof.ts). */
  readonly proofs: ReadonlyMap<string, LeaderProof>;
  /**
   * How long each group has had no leader, in milliseconds. Keyed by {@link ALL_GROUPS} while no group is
   * shown.
   */
  readonly leaderlessMs: ReadonlyMap<string, number>;
  /** How long live members have not been voters, in milliseconds. */
  readonly noVoterMs: ReadonlyMap<Address, number>;
  /** The node whose data is kept, if an operator names one. */
  readonly survivor?: Address | undefined;
}

/**
 * Plans how Raft's voters become those of the list (docs/internals/nacos.md, "Repair").
 *
 * A group with a leader takes `removePeer` for a phantom and `restRaftCluster` (Nacos's spelling) with all
 * voters, both sent to that leader. `changePeers` would do nothing if the value is the group's first
 * configuration.
 *
 * A group without one takes `resetPeers` at a survivor, with that survivor as the only voter; the others are
 * then added and get its data. `resetPeers` changes the configuration of that node only: another node may
 * still use another configuration, such as the addresses before a move (seen with 2.5.1), or have a longer
 * log (JRaft source), and would refuse its vote. A leader needs no such consent: nodes follow it whatever
 * their configuration. No command merges groups that exist apart.
 */
export function planRepair(patient: RepairInput): RepairPlan {
  const { groups } = patient;
  const views = patient.readings.filter(isRead);
  const split = groups.filter(({ apart }) => apart.length > 0);
  const unled = groups.filter(({ lead, apart }) => lead === 'unled' && apart.length === 0);
  const led = groups.filter(({ lead, apart }) => lead === 'led' && apart.length === 0);
  // 1.4 does not always show its groups, so only a proof tells.
  const isUnled = views.some(showsLedGroups) || patient.proofs.get(ALL_GROUPS)?.isLed === false;
  const nothing = groups.length === 0 && isUnled;
  const undecided = groups.filter((group) => mayGiveUp(group, patient.proofs));

  if (views.length === 0 && patient.members.some(isLiveState))
    return made([], [], [], { refused: unreadable(patient.readings) });
  const misnamed = views.find(({ otherName }) => otherName !== undefined);
  if (misnamed && (unled.length > 0 || nothing || led.some(isUnhealthy))) {
    const { address, otherName } = misnamed;
    const refused = `${address} calls itself ${otherName}, so a command with the listed voters would take its vote: give it its listed name first (doctor says how), restart it, and look again`;
    return made([], [], mend(split, patient), { refused });
  }
  if (unled.length + undecided.length > 0 || nothing) {
    const refusal = refuseReset(patient, views, unled) ?? refuseSoon(patient, views, unled, undecided);
    if (refusal) return made([], [], mend(split, patient), refusal);
  }
  const isReset = unled.length > 0 || nothing;
  const reset = isReset && stepsOfReset(patient, views, unled, unled.length === groups.length);
  const { steps, manualSteps } = mendLed(led, patient);
  return made([...(reset ? reset.steps : []), ...steps], reset ? reset.dataLossRisks : [], [
    ...mend(split, patient),
    ...manualSteps,
  ]);
}

/**
 * Whether the group's leader has lost its majority but still claims to lead. It does so for some 5 s, and a
 * plan made then would cover the other groups only. If it does not stop, the list is smaller than the
 * cluster.
 */
function mayGiveUp({ name, lead, leader }: RaftGroup, proofs: RepairInput['proofs']): boolean {
  return lead === 'unknown' && leader !== undefined && proofs.get(name)?.isLed === true;
}

function isUnhealthy({ phantoms, dropped }: RaftGroup): boolean {
  return phantoms.length + dropped.length > 0;
}

/** The steps for groups that have a leader. */
function mendLed(
  led: readonly RaftGroup[],
  { members, raftOffset, dead, noVoterMs }: RepairInput,
): Pick<RepairPlan, 'steps' | 'manualSteps'> {
  const steps: RepairStep[] = [];
  const outside = new Grouped();
  const strangers = new Grouped();
  for (const { name, leader, copy, phantoms, missing, dropped } of led) {
    if (!leader) continue;
    for (const address of missing) {
      const hasHadTime = (noVoterMs.get(address) ?? 0) >= NORMAL_FOR['no-voter'];
      if (!dropped.includes(address) && hasHadTime) outside.add(address, name);
    }
    for (const voter of phantoms) {
      if (dead.has(voter)) steps.push(removal(leader, name, voter, 'is on no list'));
      else strangers.add(voter, name);
    }
    if (dropped.length === 0 || !phantoms.every((voter) => dead.has(voter))) continue;
    // A listed member that is down and not a voter could not be brought up to date, and would block the
    // command.
    const has = members.filter(({ address }) => copy?.voters.includes(voterIn(address, raftOffset)));
    const back = members.filter(({ address }) => dropped.includes(address));
    steps.push({
      command: 'restRaftCluster',
      node: leader.address,
      group: name,
      value: votersOf([...has, ...back], raftOffset),
      sentence: `let ${leader.address} make ${dropped.map((address) => voterIn(address, raftOffset)).join(', ')} a voter of group ${name} again; it gets the group's data from the leader`,
    });
  }
  const manualSteps = [
    ...outside.all.map(
      ([address, names]) =>
        `${address} is not a voter of ${describeGroups(names)} and was never seen to be one: it has not joined, cannot be read, or leads such a group of its own, whose data a command would destroy. Restart it, wait a minute, and look again`,
    ),
    ...strangers.all.map(
      ([voter, names]) =>
        `${voter} is a voter of ${describeGroups(names)}, is not on the list, and may live: it answers, other nodes have it on their lists, or this server cannot tell. Make it poll this server (with self=…), or stop it; then look again`,
    ),
  ];
  return { steps, manualSteps };
}

/** The step that removes a voter. `why` ends the clause "which …" about it. */
export function removal({ address }: NodeView, group: string, voter: string, why: string): RepairStep {
  const sentence = `let ${address} remove ${voter}, which ${why}, from the voters of group ${group}`;
  return { command: 'removePeer', node: address, group, value: voter, sentence };
}

function made(
  steps: readonly RepairStep[],
  dataLossRisks: readonly string[],
  manualSteps: readonly string[],
  refusal: Refusal = {},
): RepairPlan {
  const what = JSON.stringify([steps, dataLossRisks, manualSteps, refusal.refused]);
  const id = createHash('sha256').update(what).digest('hex').slice(0, 12);
  return { id, steps, dataLossRisks, manualSteps, ...refusal };
}

/** Refusal when no node can be read: nothing is known, so nothing may be called healthy. */
function unreadable(readings: readonly Reading[]): string {
  const reasons = readings.flatMap((one) => (isRead(one) ? [] : [one.reason]));
  const what = `no node can be read, so nothing is known of Raft: ${reasons[0]}`;
  if (!reasons.every((reason) => reason.includes('ECONNREFUSED'))) return what;
  return `${what}. Starting nodes have no API yet. If this lasts, they may be waiting for a Raft leader, as 1.4 and every version with an embedded database does; nodes that moved with their disks never get one: ${BY_HAND}`;
}

/** The way that remains when `resetPeers` cannot be sent. */
const BY_HAND =
  'start the nodes at the addresses that they had; if these are gone for good, stop all nodes, empty data/protocol/raft on each (data that only Raft has is lost), and start them together';

/** Why there is no plan. */
type Refusal = Pick<RepairPlan, 'refused' | 'isPassing'>;

/** Why leaderless groups cannot be reset until an operator acts. */
function refuseReset(
  patient: RepairInput,
  views: readonly NodeView[],
  unled: readonly RaftGroup[],
): Refusal | undefined {
  const refused = reasonAgainstReset(patient, views, unled);
  return refused === undefined ? undefined : { refused };
}

function reasonAgainstReset(
  patient: RepairInput,
  views: readonly NodeView[],
  unled: readonly RaftGroup[],
): string | undefined {
  const { members, hasMajority, survivor, dead } = patient;
  const live = members.filter(isLiveState);
  if (!hasMajority || live.length < majority(members.length)) {
    return 'no majority of the list is live: start the missing nodes at their addresses; if they are gone for good, start new ones and recover the list (`nacos-address-server recover`) first';
  }
  const read = new Set(views.map(({ address }) => address));
  const unread = members
    .filter((member) => mayLive(member) && !read.has(member.address))
    .map(({ address }) => address);
  if (unread.length > 0) {
    return `${unread.join(', ')} cannot be read, but may have a leader or the most data: make it readable first`;
  }
  // A polling 1.4 forgets its version; no other version does.
  const old = views.filter(
    (view) => !canReset(view) || (view.version === undefined && !views.some(showsLedGroups)),
  );
  if (old.length > 0) {
    return `${old.map(({ address, version = '1.4' }) => `${address} (${version})`).join(', ')} does not know resetPeers. If Raft still has no leader in a minute: ${BY_HAND}`;
  }
  if (survivor !== undefined && !read.has(survivor)) {
    return `${survivor} is not a live member that can be read, so it cannot be the survivor`;
  }
  // A node that has only just joined has no data of its own.
  if (survivor === undefined && !live.some(({ settled }) => settled)) {
    return 'every live member has only just joined and may have no data: use --survivor to name the one whose data counts';
  }
  const base = baseOf(patient);
  if (base.filter((one) => isLiveState(one)).length < majority(base.length)) {
    return `of ${base.map(({ address }) => address).join(', ')}, whose data would be kept, no majority is live: start the missing ones; if they are gone for good, take them off the list first`;
  }
  const stranger = unled.flatMap(({ phantoms }) => phantoms).find((voter) => !dead.has(voter));
  if (stranger !== undefined) {
    return `${stranger} is a voter, is not on the list, and may live, so the list may be smaller than the cluster: make it poll this server (with self=…), or stop it`;
  }
  return undefined;
}

/**
 * Why leaderless groups cannot be reset yet. What holds them up may pass by itself; the refusal says what is
 * awaited.
 */
function refuseSoon(
  patient: RepairInput,
  views: readonly NodeView[],
  unled: readonly RaftGroup[],
  undecided: readonly RaftGroup[],
): Refusal | undefined {
  const { proofs, leaderlessMs } = patient;
  const [giving] = undecided;
  if (giving) {
    const refused = `group ${giving.name} is led by ${giving.leader?.address}, as it claims, but most of its voters are gone: such a leader gives up within some 10 s, so this waits for that. If it does not give up, voters that are not on the list are alive`;
    return { refused, isPassing: true };
  }
  for (const name of unled.length === 0 ? [ALL_GROUPS] : unled.map((group) => group.name)) {
    const proof = proofs.get(name);
    const which = name === ALL_GROUPS ? 'Raft' : `group ${name}`;
    if (proof?.isLed) {
      const refused = `${which} has a leader, but no member that can be read claims to be it, so it needs no resetPeers`;
      return { refused };
    }
    // 3.x does not report the result of a command, so time must do instead.
    const cannotProve = views.every(({ version }) => version?.startsWith('3.'));
    if (!proof && !cannotProve) {
      const refused = `that ${which} has no leader is not proven yet: this waits for a node to answer that it finds none. An election may be under way; look again in ${NORMAL_FOR['no-leader'] / 1_000} s`;
      return { refused, isPassing: true };
    }
    const hasLasted = (leaderlessMs.get(name) ?? 0) >= NORMAL_FOR['no-leader'];
    if (!hasLasted && (cannotProve || mayElect(patient, views, name))) {
      const refused = `${which} may be about to elect a leader: this waits for ${NORMAL_FOR['no-leader'] / 1_000} s without one`;
      return { refused, isPassing: true };
    }
  }
  return undefined;
}

/** Whether an election may be under way: by some copy most voters live, or no copy is known. */
function mayElect({ raftOffset }: RepairInput, views: readonly NodeView[], name: string): boolean {
  const alive = new Set(views.map((view) => voterIn(ownName(view), raftOffset)));
  const copies = views.flatMap(({ groups }) => groups.get(name) ?? []);
  return (
    copies.length === 0 ||
    copies.some(({ voters }) => voters.filter((voter) => alive.has(voter)).length >= majority(voters.length))
  );
}

/** Manual steps for injury 1: no command merges groups, so people must restart nodes. */
function mend(split: readonly RaftGroup[], { members }: RepairInput): string[] {
  if (split.length === 0) return [];
  const leaders = leadersApart(split);
  const listed = members.map(({ address }) => address);
  const [kept, ...others] = [
    ...listed.filter((address) => leaders.has(address)),
    ...listed.filter((address) => !leaders.has(address)),
  ];
  return [
    `${describeGroups(split.map(({ name }) => name))} exist more than once, led by ${[...leaders].join(', ')}, and no command merges them. Decide whose data counts: here ${kept} (the first on the list); what was written only to the others is lost, so read it from them first`,
    ...others.map(
      (address) =>
        `stop ${address}, empty its data directory (data/protocol/raft, and data/ as a whole with an embedded database), start it again, and wait until doctor finds it a voter of every group before the next`,
    ),
  ];
}
