import { useMemo, useState } from 'preact/hooks';
import { EVENT_TYPES } from '../../registry/events.js';
import { MAX_EVENTS } from '../model/history.js';
import { matcher } from '../model/order.js';
import { keyOf, type EventType, type EventView } from '../model/types.js';
import { useWords, type Words } from '../text/words.js';
import { usePage, usePageState } from './context.js';
import { Search } from './search.js';
import { Timeline } from './timeline.js';

const LIST = 'history';

/** Events shown at first, and added by each request for more. */
const STEP = 100;

/** The history, newest first, as far back as the reader asks. */
export function HistoryCard({ title }: { title: string }) {
  const words = useWords();
  const { t, f } = words;
  const page = usePage();
  const history = usePageState(({ history }) => history);
  const [type, setType] = useState<EventType>();
  const [cluster, setCluster] = useState('');
  const [search, setSearch] = useState('');
  const [most, setMost] = useState(STEP);
  const { events, scope, isLoading, hasOlder, problem, isThere } = history;

  const isWanted = useMemo(() => wanted(type, cluster, search, words), [type, cluster, search, words]);
  const found = useMemo(() => (isWanted ? events.filter(isWanted) : events), [events, isWanted]);
  const shown = found.slice(0, most);
  const hasMore = found.length > most;
  const more = (): void => {
    setMost(most + STEP);
    if (!hasMore) void page.history.readOlder(isWanted);
  };
  const oldest = events.at(-1);

  return (
    <section class="card history" aria-labelledby="history-title">
      <div class="card-head">
        <h2 id="history-title">{title}</h2>
        <div class="filters">
          <select
            aria-label={t.eventType}
            value={type ?? ''}
            onChange={(event) => setType(EVENT_TYPES.find((one) => one === event.currentTarget.value))}
          >
            <option value="">{t.everyType}</option>
            {EVENT_TYPES.map((one) => (
              <option key={one} value={one}>
                {t.event[one]}
              </option>
            ))}
          </select>
          {scope === undefined && <ClusterChoice events={events} value={cluster} onChange={setCluster} />}
          <Search
            label={t.searchEvents}
            hint={t.eventHint}
            value={search}
            onChange={setSearch}
            controls={LIST}
          />
        </div>
      </div>
      {problem !== undefined && (
        <p class="notice bad" role="alert">
          {t.historyProblem} <span lang="en">{problem}</span>{' '}
          <button type="button" class="button small" onClick={() => page.readAgain()}>
            {t.again}
          </button>
        </p>
      )}
      <div id={LIST} class="timeline" role="region" aria-label={t.events} tabIndex={0}>
        <Timeline events={shown} isGlobal={scope === undefined} />
        <div class="timeline-end">
          {found.length === 0 && isThere && <p class="nothing">{isWanted ? t.noneMatch : t.noEvents}</p>}
          {isWanted && hasOlder && oldest && <p class="dim">{t.searchedBack(f.moment(oldest.time))}</p>}
          {hasMore || hasOlder ? (
            <button type="button" class="button" disabled={isLoading} onClick={more}>
              {isLoading ? t.loading : isWanted && !hasMore ? t.olderSearch : t.older}
            </button>
          ) : (
            <p class="dim">
              {events.length >= MAX_EVENTS
                ? t.full(f.number(MAX_EVENTS))
                : isLoading
                  ? t.loading
                  : found.length > 0
                    ? t.noOlder
                    : ''}
            </p>
          )}
        </div>
      </div>
    </section>
  );
}

interface ClusterChoiceProps {
  readonly events: readonly EventView[];
  readonly value: string;
  readonly onChange: (key: string) => void;
}

/** Selects one of the clusters in the history. */
function ClusterChoice({ events, value, onChange }: ClusterChoiceProps) {
  const { t } = useWords();
  const keys = useMemo(() => [...new Set(events.map(keyOf))].sort(), [events]);
  return (
    <select aria-label={t.cluster} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
      <option value="">{t.allClusters}</option>
      {keys.map((key) => (
        <option key={key} value={key}>
          {key}
        </option>
      ))}
    </select>
  );
}

function wanted(
  type: EventType | undefined,
  cluster: string,
  search: string,
  { t }: Words,
): ((event: EventView) => boolean) | undefined {
  if (type === undefined && cluster === '' && search.trim() === '') return undefined;
  const matches = matcher(search);
  return (event) =>
    (type === undefined || event.type === type) &&
    (cluster === '' || keyOf(event) === cluster) &&
    matches(`${keyOf(event)} ${event.type} ${t.event[event.type]} ${event.address ?? ''} ${event.reason}`);
}
