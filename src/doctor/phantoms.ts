import { parseAddress, type Address } from '../registry/address.js';
import type { ProbeAnswer } from '../registry/cluster.js';
import { isVouched, type Control } from '../registry/control.js';
import { objectionToNewcomer } from '../registry/newcomer.js';
import type { Probe, Unknown } from '../registry/interfaces.js';
import { memberOf, type RaftGroup } from './groups.js';
import { isRead, type Reading } from './node-view.js';

/** The most phantoms checked: nodes may name any number of them. */
const MOST = 50;

/** The most nodes asked for a control. */
const WITNESSES = 3;

/**
 * The phantom voters that are known to be dead. A phantom is dead if its main port and its Raft port refuse
 * connections, or if its host does not answer at all and no node lists it. No command may remove any other
 * phantom.
 *
 * An address that answers under the own name of a member that was just read is dead as well: it is that
 * node's former name (`nameAt` returns the own name at an address). No verdict counts unless this server
 * reaches a node that it has just read; otherwise the fault may be its own.
 */
export async function deadPhantoms(
  groups: readonly RaftGroup[],
  readings: readonly Reading[],
  probe: Probe,
  raftOffset: number,
  nameAt: (address: Address) => Promise<string | undefined>,
): Promise<ReadonlySet<string>> {
  const named = new Set(
    readings.filter(isRead).flatMap((view) => (view.otherName === undefined ? [view.address] : [])),
  );
  const believed = new Set(readings.filter(isRead).flatMap(({ members }) => members));
  const phantoms = [...new Set(groups.flatMap((group) => group.phantoms))].slice(0, MOST);
  if (phantoms.length === 0) return new Set();
  const control = controlOf(readings, probe);
  const dead = await Promise.all(
    phantoms.map(async (voter) => {
      const member = memberOf(voter, raftOffset);
      if (!parseAddress(voter).ok || !parseAddress(member).ok) return [];
      // Nodes may name any address; an address where no member can be is not probed.
      if (objectionToNewcomer(member) !== undefined) return [];
      const asked = [member, voter];
      const answers = await Promise.all(asked.map((address) => probe.probe(address)));
      const witness = await control;
      const name = answers[0] === 'open' ? await nameAt(member) : undefined;
      if (name !== undefined && name !== member && named.has(name)) return [voter];
      const isGone = answers.every((answer, i) => isDeath(asked[i] ?? voter, answer, witness));
      if (!isGone) return [];
      return answers.every((answer) => answer === 'refused') || !believed.has(member) ? [voter] : [];
    }),
  );
  return new Set(dead.flat());
}

function isDeath(address: Address, answer: ProbeAnswer | Unknown, control: Control): boolean {
  if (answer !== 'refused' && answer !== 'unreachable') return false;
  return isVouched({ address, answer, askedAt: 0 }, control);
}

/** Probes nodes that were just read. If one is open, silence elsewhere is not this server's fault. */
async function controlOf(readings: readonly Reading[], probe: Probe): Promise<Control> {
  const read = readings.filter(isRead).slice(0, WITNESSES);
  const ask = async (address: Address): Promise<Control> => {
    if ((await probe.probe(address)) !== 'open') throw new Error('it does not vouch');
    return { address, isMember: true, answer: 'open', askedAt: 0 };
  };
  return Promise.any(read.map(({ address }) => ask(address))).catch(() => 'unanswered' as const);
}
