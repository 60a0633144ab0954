import { prefer, THEMES } from '../model/prefs.js';
import { linkTo } from '../model/route.js';
import { useStore } from '../model/store.js';
import { useWords } from '../text/words.js';
import { usePageState, useSurroundings } from './context.js';
import { Icon, type IconName } from './icons.js';

const THEME_ICONS: Record<(typeof THEMES)[number], IconName> = { system: 'auto', light: 'sun', dark: 'moon' };

export function Header() {
  const { t, language } = useWords();
  const { preferences } = useSurroundings();
  const theme = useStore(preferences, (preferences) => preferences.theme);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system';
  return (
    <header class="top">
      <a class="brand" href={linkTo()}>
        <Logo />
        <span>{t.title}</span>
      </a>
      <LinkStatus />
      <div class="switches">
        <button
          type="button"
          class="button quiet"
          lang={language === 'en' ? 'zh-CN' : 'en'}
          aria-label={t.otherLanguageLabel}
          onClick={() => prefer(preferences, { language: language === 'en' ? 'zh' : 'en' })}
        >
          {t.otherLanguage}
        </button>
        <button
          type="button"
          class="button quiet icon-only"
          aria-label={t.theme[theme]}
          title={t.theme[theme]}
          onClick={() => prefer(preferences, { theme: next })}
        >
          <Icon name={THEME_ICONS[theme]} />
        </button>
      </div>
    </header>
  );
}

function LinkStatus() {
  const { t } = useWords();
  const status = usePageState(({ link }) => link.status);
  return (
    <span class={`link ${status}`} data-link={status}>
      <span class="link-dot" aria-hidden="true" />
      <span class="link-word">{t.link[status]}</span>
    </span>
  );
}

/** The logo, three members around one list, like the favicon. */
function Logo() {
  return (
    <svg class="logo" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d="M12 5.5 5.5 17h13Z" fill="none" stroke="currentColor" stroke-width="1.6" opacity=".5" />
      <circle cx="12" cy="5.5" r="3.2" />
      <circle cx="5.5" cy="17" r="3.2" />
      <circle cx="18.5" cy="17" r="3.2" />
    </svg>
  );
}
