import type { RaftPart } from '../model/raft.js';
import { useWords } from '../text/words.js';
import { Icon } from './icons.js';

/** Shows in how many known Raft groups a node is a voter, and how many it leads. */
export function RaftMark({ part }: { part: RaftPart }) {
  const { t, f } = useWords();
  const words = t.health.raft;
  const { voterIn, known, leads } = part;
  if (known === 0) return null;
  const [some, all] = [f.number(voterIn), f.number(known)];
  const isWhole = voterIn === known;
  const help = [words.voterHelp(some, all), ...(leads > 0 ? [words.leadsHelp(f.number(leads))] : [])];
  return (
    <span class={isWhole ? 'raft-mark dim' : 'raft-mark lacking'} title={f.list(help)}>
      {!isWhole && <Icon name="warning" />}
      {isWhole ? words.voter : voterIn === 0 ? words.noVoter : words.someVoter(some, all)}
      {leads > 0 && ` · ${words.leads(f.number(leads))}`}
    </span>
  );
}
