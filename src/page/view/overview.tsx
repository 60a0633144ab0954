import { useMemo, useState } from 'preact/hooks';
import { countStates, inOrder, isTroubled, matcher, needsLook, STATES } from '../model/order.js';
import { linkTo } from '../model/route.js';
import { keyOf, type ClusterState, type ClusterSummary } from '../model/types.js';
import { useWords } from '../text/words.js';
import { Chips } from './chips.js';
import { usePageState } from './context.js';
import { HistoryCard } from './history.js';
import { Icon, STATE_ICONS } from './icons.js';
import { QuorumBar, seatsOf } from './quorum-bar.js';
import { Strays } from './refused-callers.js';
import { Search } from './search.js';
import { explain, StateMark, toneOf } from './state-mark.js';
import { NARROW, useMedia } from './use-media.js';
import { Windowed } from './windowed.js';

const LIST = 'clusters';

/** Row height: clusters in trouble have a line of advice, others none. */
const wideRow = (cluster: ClusterSummary): number =>
  needsLook(cluster) ? (cluster.state === 'quorum-lost' ? 80 : 62) : 44;
const narrowRow = (cluster: ClusterSummary): number =>
  needsLook(cluster) ? (cluster.state === 'quorum-lost' ? 176 : 112) : 74;

/** All clusters, those in trouble first, and their history. */
export function Overview() {
  const words = useWords();
  const { t, f } = words;
  const clusters = usePageState(({ clusters }) => clusters);
  const [search, setSearch] = useState('');
  const [state, setState] = useState<ClusterState>();
  const isNarrow = useMedia(NARROW);

  const ordered = useMemo(() => inOrder(clusters?.values() ?? []), [clusters]);
  const counts = useMemo(() => countStates(ordered), [ordered]);
  const shown = useMemo(() => {
    const matches = matcher(search);
    return ordered.filter(
      (one) =>
        (state === undefined || one.state === state) &&
        (search === '' ||
          matches(`${keyOf(one)} ${one.state} ${t.state[one.state]} ${explain(one, words).says}`)),
    );
  }, [ordered, search, state, words]);

  return (
    <div class="columns">
      <div class="stack">
        <Strays />
        <section class="card" aria-labelledby="clusters-title">
          <div class="card-head">
            <h1 id="clusters-title">{t.clusters}</h1>
            <Search
              label={t.searchClusters}
              hint={t.searchHint}
              value={search}
              onChange={setSearch}
              controls={LIST}
            />
            <Chips
              label={t.states}
              total={ordered.length}
              chosen={state}
              onChoose={setState}
              chips={STATES.map((value) => ({
                value,
                text: t.state[value],
                count: counts.get(value) ?? 0,
                icon: STATE_ICONS[value],
                tone: toneOf(value),
              }))}
            />
          </div>
          <div id={LIST}>
            {shown.length === 0 ? (
              <p class="nothing">
                {t.noneMatch}{' '}
                <button
                  type="button"
                  class="button small"
                  onClick={() => (setSearch(''), setState(undefined))}
                >
                  {t.clearFilters}
                </button>
              </p>
            ) : (
              <Windowed
                class="clusters"
                role="list"
                label={t.clusters}
                items={shown}
                itemKey={keyOf}
                rowHeight={isNarrow ? narrowRow : wideRow}
                row={(cluster, index) => <ClusterRow cluster={cluster} index={index} count={shown.length} />}
              />
            )}
          </div>
          <p class="count dim" role="status">
            {shown.length === ordered.length ? '' : t.shown(f.number(shown.length), f.number(ordered.length))}
          </p>
        </section>
      </div>
      <HistoryCard title={t.historyAll} />
    </div>
  );
}

interface ClusterRowProps {
  readonly cluster: ClusterSummary;
  readonly index: number;
  readonly count: number;
}

function ClusterRow({ cluster, index, count: all }: ClusterRowProps) {
  const words = useWords();
  const { t, f } = words;
  const { product, live, members, waiting, revision, state, raftProblems = 0, refused = 0 } = cluster;
  const { says, detail } = explain(cluster, words);
  const count =
    members === 0 ? t.waitingCount(waiting, f.number(waiting)) : t.liveOf(f.number(live), f.number(members));
  return (
    <div class={`cluster-row ${toneOf(state)}`} role="listitem" aria-posinset={index + 1} aria-setsize={all}>
      <a href={linkTo(keyOf(cluster))} class="cluster-link" title={detail ?? says}>
        <span class="cluster-name">
          <span class="dim">{product}/</span>
          {cluster.cluster}
        </span>
        <StateMark cluster={cluster} />
        {needsLook(cluster) && (
          <span class="cluster-says">
            {raftProblems > 0 && state !== 'quorum-lost' && (
              <span class="unhealthy">
                <Icon name="stop" /> {t.health.title}: {t.health.says.unhealthy}{' '}
              </span>
            )}
            {isTroubled(state) && says}
          </span>
        )}
        <span class="cluster-seats">
          <QuorumBar seats={seatsOf(cluster)} size="small" label={count} />
          <span class="dim">
            {count}
            {members > 0 && waiting > 0 && ` · ${t.waitingCount(waiting, f.number(waiting))}`}
            {refused > 0 && ` · ${t.callers.short(f.number(refused))}`}
          </span>
        </span>
        <span class="cluster-revision dim">{t.revisionShort(f.number(revision))}</span>
      </a>
    </div>
  );
}
