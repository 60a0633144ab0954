import type { ClusterState, ClusterSummary, ClusterView, MemberView, WaitingView } from '../registry/view.js';
import { nameOf } from './cluster-name.js';
import { Columns, wrap, type Row } from './table.js';
import { FEW, type Picture } from './cluster-cache.js';

/*
 * Clusters as text. `width` is the number of characters in a line.
 */

/** The states that need attention first. */
const TROUBLE: readonly ClusterState[] = [
  'damaged',
  'quorum-lost',
  'impaired',
  'bootstrapping',
  'empty',
  'whole',
];

/** A cluster with its members, and the waiting addresses with the reason. */
export function describeCluster(view: ClusterView, width: number): string[] {
  const served =
    view.servedRevision === undefined
      ? ''
      : `; members are sent revision ${view.servedRevision} until every server has it`;
  const { refused = 0 } = view;
  const callers = refused === 0 ? '' : `; ${refused} refused caller(s), see events --refused`;
  const title = `${nameOf(view)}: ${view.state} (${view.summary}); epoch ${view.epoch}, revision ${view.revision}${served}${callers}`;
  const rows = [...view.members.map((member) => memberRow(member, view)), ...view.waiting.map(waitingRow)];
  const lines = wrap(title, width);
  if (rows.length === 0) return lines;
  const head = ['address', 'id', 'state', 'source', 'last heard', 'settled', 'revision'];
  return [...lines, ...new Columns(head, width).lines(rows)];
}

/** The text for a server without clusters. */
const NO_CLUSTERS_DO =
  'no clusters yet: `nacos-address-server members`, without --watch, shows how to configure a Nacos node';

/** The screen of `members --watch`. */
export function describePicture(picture: Picture, width: number): string[] {
  const { clusters, summaries } = picture;
  const lines = wrap(headline(picture), width);
  if (clusters.size === 0) lines.push('', ...wrap(NO_CLUSTERS_DO, width));
  if (clusters.size > FEW) lines.push('', ...describeSummaries(summaries, width));
  else {
    for (const [name, view] of clusters) {
      lines.push('', ...(view ? describeCluster(view, width) : wrap(describeUnseen(name, summaries), width)));
    }
  }
  return lines;
}

/** A cluster that is unknown, or could not be requested. */
function describeUnseen(name: string, summaries: readonly ClusterSummary[]): string {
  const summary = summaries.find((one) => nameOf(one) === name);
  return summary ? `${name}: ${summary.state} (${summary.summary})` : describeUnknown(name);
}

export function describeUnknown(name: string): string {
  return `${name}: unknown; no address is listed or waits`;
}

function headline({ from, at, lost, server }: Picture): string {
  if (lost) {
    return `CONNECTION LOST: ${lost.reason} (next try ${lost.retryAt.toISOString()}); the state below is from before`;
  }
  const asOf = `${from} at ${at.toISOString()}`;
  if (!server) return asOf;
  const { status, reason, servers, graceMs } = server;
  return [
    asOf,
    `server ${status}${reason === undefined ? '' : ` (${reason})`}`,
    ...(servers === undefined ? [] : [`${servers} servers`]),
    ...(graceMs === 0 ? [] : [`no eviction for ${Math.ceil(graceMs / 1_000)} s`]),
  ].join(', ');
}

function describeSummaries(summaries: readonly ClusterSummary[], width: number): string[] {
  const rank = ({ state }: ClusterSummary): number => TROUBLE.indexOf(state);
  const rows = [...summaries]
    .sort((a, b) => rank(a) - rank(b))
    .map((summary): Row => {
      const { state, members, live, unsettled, waiting, revision } = summary;
      const numbers = [members, live, unsettled, waiting, revision].map(String);
      return { cells: [nameOf(summary), state, ...numbers] };
    });
  const head = ['cluster', 'state', 'members', 'live', 'unsettled', 'waiting', 'revision'];
  return [...new Columns(head, width).lines(rows), '', 'Name a cluster to see its members.'];
}

function memberRow(member: MemberView, { revision }: ClusterView): Row {
  const { address, id = '', state, source, silentMs, settled } = member;
  return {
    cells: [
      address,
      id,
      state,
      source,
      silentMs === undefined ? '' : `${(silentMs / 1_000).toFixed(1)} s ago`,
      settled ? 'yes' : 'no',
      listOf(member, revision),
    ],
    note: noteOn(member),
  };
}

function noteOn({ refused, problem, unprobed }: MemberView): string | undefined {
  if (problem !== undefined) return `unhealthy: ${problem}`;
  if (refused !== undefined) return `refused: ${refused}`;
  return unprobed && `stays listed: ${unprobed}`;
}

/** The revision that a member has. */
function listOf({ upToDate: current, deliveredRevision: delivered }: MemberView, revision: number): string {
  if (current) return delivered === revision ? String(revision) : `${revision}, presumed`;
  return delivered === 0 ? 'none' : `${delivered} of ${revision}`;
}

function waitingRow({ address, id = '', waitingMs, reason }: WaitingView): Row {
  const since = `for ${Math.round(waitingMs / 1_000)} s`;
  return { cells: [address, id, 'waiting', '', since, '', ''], note: reason };
}
