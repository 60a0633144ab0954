import { useEffect, useLayoutEffect, useMemo } from 'preact/hooks';
import { chosenOf } from '../model/page.js';
import { needsLook } from '../model/order.js';
import { useStore } from '../model/store.js';
import { useWords, wordsOf, WordsContext } from '../text/words.js';
import { Announcements } from './announcements.js';
import { Banners } from './banners.js';
import { ClusterPage } from './cluster-page.js';
import { SurroundingsContext, useIsStale, usePageState, type Surroundings } from './context.js';
import { Dialogs } from './dialogs/dialogs.js';
import { Footer } from './footer.js';
import { Header } from './header.js';
import { useKeys } from './keys.js';
import { Overview } from './overview.js';
import { Welcome } from './welcome.js';

export function App(surroundings: Surroundings) {
  const { language, theme } = useStore(surroundings.preferences, (preferences) => preferences);
  const words = useMemo(() => wordsOf(language), [language]);
  useLayoutEffect(() => {
    document.documentElement.lang = words.tag;
  }, [words]);
  useLayoutEffect(() => {
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }, [theme]);
  useKeys();
  return (
    <SurroundingsContext.Provider value={surroundings}>
      <WordsContext.Provider value={words}>
        <Title />
        <a class="skip" href="#content" onClick={skip}>
          {words.t.skip}
        </a>
        <Header />
        <Banners />
        <Content />
        <Footer />
        <Dialogs />
        <Announcements />
      </WordsContext.Provider>
    </SurroundingsContext.Provider>
  );
}

/** Moves the focus by script: the URL's hash selects the cluster. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById('content')?.focus();
}

function Content() {
  const { t } = useWords();
  const key = usePageState(chosenOf);
  const count = usePageState(({ clusters }) => clusters?.size);
  const isStale = useIsStale();
  return (
    <main id="content" tabIndex={-1} class={isStale ? 'stale' : ''}>
      {count === undefined ? (
        <p class="loading">{t.loading}</p>
      ) : key !== undefined ? (
        <ClusterPage key={key} name={key} />
      ) : count === 0 ? (
        <Welcome />
      ) : (
        <Overview />
      )}
    </main>
  );
}

/** Shows in the tab's title how many clusters are in trouble. */
function Title() {
  const { t, f } = useWords();
  const troubled = usePageState(({ clusters }) => {
    let count = 0;
    for (const cluster of clusters?.values() ?? []) if (needsLook(cluster)) count++;
    return count;
  });
  const isLost = useIsStale();
  useEffect(() => {
    const title = troubled === 0 ? t.title : t.titleTroubled(f.number(troubled), t.title);
    document.title = isLost ? `${t.link.lost} – ${title}` : title;
  }, [troubled, isLost, t, f]);
  return null;
}
