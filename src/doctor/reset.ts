import { describeGroups } from './rules/groups.js';
import type { Address } from '../registry/address.js';
import { isLiveState, voterIn, votersOf, type ListedMember, type RaftGroup } from './groups.js';
import type { NodeView } from './node-view.js';
import type { RepairInput, RepairStep } from './plan.js';

/**
 * The steps that give leaderless groups a leader, and the data that may be lost. `unled`: those groups; none
 * if no node shows any. `isAll`: whether there are no others.
 */
export function stepsOfReset(
  patient: RepairInput,
  views: readonly NodeView[],
  unled: readonly RaftGroup[],
  isAll: boolean,
): { readonly steps: readonly RepairStep[]; readonly dataLossRisks: readonly string[] } {
  const names = unled.map(({ name }) => name);
  const kept = new Map<NodeView, string[]>();
  for (const name of names) {
    const survivor = survivorOf(patient, views, name);
    kept.set(survivor, [...(kept.get(survivor) ?? []), name]);
  }
  if (kept.size === 0) kept.set(survivorOf(patient, views, undefined), []);
  // One election for all groups instead of one after another, if the result is the same.
  const isOne = isAll && kept.size === 1;
  const targets = [...kept].flatMap(([node, groups]) =>
    (isOne ? [undefined] : groups).map((group) => ({ node: node.address, group })),
  );
  return {
    steps: [
      ...targets.map(({ node, group }) => reset(patient, node, group)),
      ...targets.flatMap(({ node, group }) => rejoin(patient, node, group)),
    ],
    dataLossRisks: [...kept].map(([node, groups]) => lossBy(patient, views, node, groups, isOne)),
  };
}

function reset({ raftOffset }: RepairInput, node: Address, group: string | undefined): RepairStep {
  const value = voterIn(node, raftOffset);
  const sentence = `tell ${node} that ${value} is the only voter of ${nameOf(group)}; its data is kept`;
  return { command: 'resetPeers', node, ...(group === undefined ? {} : { group }), value, sentence };
}

/** The steps that make the other members of the base voters again. */
function rejoin(patient: RepairInput, node: Address, group: string | undefined): RepairStep[] {
  const base = baseOf(patient).filter(isLiveState);
  const others = base.flatMap(({ address }) => (address === node ? [] : [address]));
  if (others.length === 0) return [];
  return [
    {
      command: 'restRaftCluster',
      node,
      ...(group === undefined ? {} : { group }),
      value: votersOf(base, patient.raftOffset),
      isAwaited: true,
      sentence: `wait until ${others.join(', ')} ${others.length > 1 ? 'are voters' : 'is a voter'} of ${nameOf(group)}, with the data of ${node}: a node that has met no leader since its start asks for that each second, and for any other ${node} does it`,
    },
  ];
}

function nameOf(group: string | undefined): string {
  return group === undefined ? 'every group' : `group ${group}`;
}

/**
 * The future voters of a leaderless group. Members that have only just joined are left out: blank nodes in
 * the majority would elect one of themselves.
 */
export function baseOf({ members, survivor }: RepairInput): readonly ListedMember[] {
  return members.filter(({ address, settled }) => settled || address === survivor);
}

/** The node whose data a group keeps: the best settled member, or the one that the operator names. */
function survivorOf(patient: RepairInput, views: readonly NodeView[], group: string | undefined): NodeView {
  const { survivor } = patient;
  const able = views.find(({ address }) => address === survivor) ?? candidates(patient, views, group)[0];
  // refuseReset has made sure that there is one.
  return able as NodeView;
}

/**
 * Live settled members: the highest term first, then the one that shows more groups, then the one listed
 * first.
 */
function candidates(
  { members }: RepairInput,
  views: readonly NodeView[],
  group: string | undefined,
): readonly NodeView[] {
  const place = new Map(members.map(({ address }, index) => [address, index]));
  const settled = new Set(members.flatMap((one) => (one.settled && isLiveState(one) ? [one.address] : [])));
  return views
    .filter(({ address }) => settled.has(address))
    .sort(
      (a, b) =>
        termOf(b, group) - termOf(a, group) ||
        b.groups.size - a.groups.size ||
        (place.get(a.address) ?? 0) - (place.get(b.address) ?? 0),
    );
}

/** The term that a node shows for a group, or its highest for all groups; 0 if it shows none. */
function termOf({ groups }: NodeView, group: string | undefined): number {
  const copies = group === undefined ? [...groups.values()] : [groups.get(group)];
  return Math.max(0, ...copies.map((copy) => copy?.term ?? 0));
}

/**
 * What may be lost if this node's data is kept, as far as that can be told. `isAll`: groups that are not
 * shown included.
 */
function lossBy(
  patient: RepairInput,
  views: readonly NodeView[],
  node: NodeView,
  groups: readonly string[],
  isAll: boolean,
): string {
  const { address } = node;
  const others = candidates(patient, views, undefined).filter((other) => other.address !== address);
  const lost = `What ${address} does not have of ${isAll ? 'any group' : describeGroups(groups)} is lost`;
  if (others.length === 0) return lost;
  const but = `${lost}, even if ${others.map((other) => other.address).join(' or ')} has it`;
  if (patient.survivor === address) return `${but}: you named it`;
  if (groups.length === 0 || groups.some((name) => termOf(node, name) === 0)) {
    return `${but}. Nacos shows no log positions, and no terms before there is a leader, so it cannot be told which node has the most data. ${address} is the first candidate; if these nodes have the disks of a cluster that moved, name the one that was stopped last with --survivor`;
  }
  const isHighest = groups.every((name) => others.every((other) => termOf(other, name) < termOf(node, name)));
  const why = isHighest
    ? 'It shows the highest term, so it has followed the latest leader'
    : `Another shows the same term, and Nacos shows no log positions, so it cannot be told which has the most data: ${address} was first on the list`;
  return `${but}. ${why}; name another with --survivor`;
}
