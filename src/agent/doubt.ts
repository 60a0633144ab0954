import { majority } from '../registry/cluster.js';
import { joinLimited, type Address } from '../registry/address.js';
import type { NodeList } from './conf-file.js';

/**
 * Why a list looks like that of an empty or old database: it drops a majority of the last list, or has a
 * lower revision, while the members that it drops still answer. Nacos would take them for gone, and Raft
 * would lose their votes. Undefined when the list may be used; otherwise a sentence. `answers` probes an
 * address now.
 */
export async function doubtOf(
  list: NodeList,
  last: NodeList | undefined,
  answers: (address: Address) => Promise<boolean>,
): Promise<string | undefined> {
  if (!last) return undefined;
  const dropped = last.addresses.filter((address) => !list.addresses.includes(address));
  const goesBack = list.revision < last.revision;
  const dropsMajority = dropped.length >= majority(last.addresses.length);
  if (dropped.length === 0 || (!goesBack && !dropsMajority)) return undefined;
  const asked = dropped.slice(0, MOST);
  const alive = await Promise.all(asked.map(answers));
  const living = asked.filter((_, index) => alive[index]);
  if (living.length === 0) return undefined;
  const what = `drops ${dropped.length} of the ${last.addresses.length} members of the last list`;
  const how = goesBack ? `is older than ${last.revision}, which was here before, and ${what}` : what;
  return `revision ${list.revision} ${how}, and ${joinLimited(living)} still answer; was the registry's database replaced? Should it be right all the same, set AGENT_HOLD_BACK=off until this node has it`;
}

/** How many members are probed at once. */
const MOST = 20;
