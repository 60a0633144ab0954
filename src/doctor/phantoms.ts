import { parseAddress, type Address } from '../registry/address.js';
import type { ProbeAnswer } from '../registry/cluster.js';
import { isVouched, type Control } from '../registry/control.js';
import { objectionToNewcomer } from '../registry/newcomer.js';
import type { Probe, Unknown } from '../registry/interfaces.js';
import { memberOf, type RaftGroup } from './groups.js';
import { isRead, type Reading } from './node-view.js';

/** Voters that are looked at, at most: nodes may name any number of them. */
const MOST = 50;

/** Nodes that are asked for a control, at most. */
const WITNESSES = 3;

/**
 * Which of the voters that are on no list are seen to be dead: nobody listens on their main port and on their Raft port, or
 * their host does not answer at all and no node has them on its own list. Of all others that cannot be said, and nobody
 * may take their votes by a command. One that answers as a member that was just read, by that one's name, is nobody: it is
 * what that node called itself before (`nameAt` asks who is at an address). Nor when this server does not reach a node at the same time that it has just read:
 * then it may be the one that reaches nobody.
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
      // Nodes may name anything, and nothing is asked where no member can be.
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

/** A node that was just read answers again: whoever does not now is not silent for want of a way there. */
async function controlOf(readings: readonly Reading[], probe: Probe): Promise<Control> {
  const read = readings.filter(isRead).slice(0, WITNESSES);
  const ask = async (address: Address): Promise<Control> => {
    if ((await probe.probe(address)) !== 'open') throw new Error('it does not vouch');
    return { address, isMember: true, answer: 'open', askedAt: 0 };
  };
  return Promise.any(read.map(({ address }) => ask(address))).catch(() => 'unanswered' as const);
}
