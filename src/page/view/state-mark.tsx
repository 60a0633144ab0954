import { keyOf, type ClusterState, type ClusterSummary } from '../model/types.js';
import { useWords, type Words } from '../text/words.js';
import { Icon, STATE_ICONS } from './icons.js';

/** A cluster's state as a shape and a word. */
export function StateMark({ cluster }: { cluster: ClusterSummary }) {
  return (
    <span class={`mark ${cluster.state}`}>
      <Icon name={STATE_ICONS[cluster.state]} />
      <span>{stateWord(cluster, useWords())}</span>
    </span>
  );
}

function stateWord({ state, waiting, requiredMembers }: ClusterSummary, { t, f }: Words): string {
  return state === 'bootstrapping' && requiredMembers !== undefined
    ? t.bootstrappingOf(f.number(waiting), f.number(requiredMembers))
    : t.state[state];
}

/** A sentence on what the state means, with the server's own sentence if that is in another language. */
export function explain(cluster: ClusterSummary, { t, f }: Words): { says: string; detail?: string } {
  const { state, summary, live, members, unsettled, waiting } = cluster;
  if (t.summary === undefined) return { says: sentence(summary, keyOf(cluster)) };
  const [l, m, u, w] = [live, members, unsettled, waiting].map((n) => f.number(n)) as [
    string,
    string,
    string,
    string,
  ];
  return { says: t.summary[state]({ live: l, members: m, unsettled: u, waiting: w }), detail: summary };
}

/** Turns the server's text into a complete sentence. */
function sentence(text: string, key: string): string {
  const first = text.startsWith(key) ? text.charAt(0) : text.charAt(0).toUpperCase();
  return `${first}${text.slice(1)}.`;
}

/** The CSS class of a state's colour. */
export function toneOf(state: ClusterState): string {
  return `tone-${state}`;
}
