import { usePageState } from './context.js';
import { useWords } from '../text/words.js';
import { linkTo } from '../model/route.js';
import { Hero } from './hero.js';
import { HistoryCard } from './history.js';
import { Icon } from './icons.js';
import { Members } from './members.js';
import { Setup } from './setup.js';
import { WaitingCard } from './waiting.js';
import { USUAL_SIZE } from './welcome.js';

/** One cluster, whole. */
export function ClusterPage({ name }: { name: string }) {
  const { t } = useWords();
  const heard = usePageState(({ cluster }) => cluster);
  const hasOthers = usePageState(({ clusters, route }) => route !== undefined && (clusters?.size ?? 0) !== 1);
  const view = heard?.value;
  return (
    <>
      {hasOthers && (
        <a class="up" href={linkTo()}>
          <Icon name="left" /> {t.allClusters}
        </a>
      )}
      <div class="columns">
        <div class="stack">
          {heard === undefined ? (
            <p class="loading">{t.loading}</p>
          ) : view ? (
            <>
              <Hero view={view} />
              {view.waiting.length > 0 && <WaitingCard view={view} at={heard.at} />}
              {view.members.length > 0 && <Members view={view} at={heard.at} />}
            </>
          ) : (
            <section class="card welcome">
              <h1>{t.unknown(name)}</h1>
              <p>{t.unknownDo}</p>
            </section>
          )}
          {heard !== undefined && (
            <Setup
              name={name}
              size={sizeOf(
                view?.size,
                view?.waiting.map(({ expect }) => expect ?? 0),
              )}
            />
          )}
        </div>
        <HistoryCard title={t.history} />
      </div>
    </>
  );
}

/** How many nodes the cluster is meant to have: as it is, or as those who would found it say. */
function sizeOf(size = 0, expected: readonly number[] = []): number {
  if (size > 0) return size;
  const most = Math.max(0, ...expected);
  return most > 0 ? most : USUAL_SIZE;
}
