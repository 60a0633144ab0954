import { usePageState } from './context.js';
import { useWords } from '../text/words.js';
import { linkTo } from '../model/route.js';
import type { ClusterView } from '../model/types.js';
import { HealthCard } from './health.js';
import { Hero } from './hero.js';
import { HistoryCard } from './history.js';
import { Icon } from './icons.js';
import { Members } from './members.js';
import { RefusedCallers, Strays } from './refused-callers.js';
import { Setup } from './setup.js';
import { WaitingCard } from './waiting.js';
import { USUAL_SIZE } from './welcome.js';

/** The page of one cluster. */
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
              {view.members.length > 0 && <HealthCard view={view} />}
              {view.waiting.length > 0 && <WaitingCard view={view} at={heard.at} />}
              <RefusedCallers />
              <Strays />
              {view.members.length > 0 && <Members view={view} at={heard.at} />}
            </>
          ) : (
            <>
              <section class="card welcome">
                <h1>{t.unknown(name)}</h1>
                <p>{t.unknownDo}</p>
              </section>
              <Strays />
            </>
          )}
        </div>
        <HistoryCard title={t.history} />
        {heard !== undefined && <Setup name={name} size={sizeOf(view)} />}
      </div>
    </>
  );
}

/** The cluster's size, or the size that the waiting nodes expect. */
function sizeOf(view: ClusterView | null | undefined): number {
  if (!view) return USUAL_SIZE;
  return view.size > 0 ? view.size : (view.requiredMembers ?? USUAL_SIZE);
}
