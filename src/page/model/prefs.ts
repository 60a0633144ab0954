import { Store } from './store.js';

/* The reader's preferences, kept in this browser. */

export const LANGUAGES = ['en', 'zh'] as const;
export type Language = (typeof LANGUAGES)[number];

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

export interface Preferences {
  readonly language: Language;
  readonly theme: Theme;
}

/** Reads the preferences; by default the browser's own. */
export function readPreferences(): Store<Preferences> {
  const language = known(LANGUAGES, remembered('language')) ?? browserLanguage();
  const theme = known(THEMES, remembered('theme')) ?? 'system';
  return new Store<Preferences>({ language, theme });
}

export function prefer(store: Store<Preferences>, preferred: Partial<Preferences>): void {
  store.update(preferred);
  for (const [name, value] of Object.entries(preferred)) remember(name, value);
}

/** Stores a value in this browser. */
export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // The browser stores nothing: the value lasts as long as the page is open.
  }
}

function browserLanguage(): Language {
  const wanted = navigator.languages.map((tag) => tag.split('-', 1)[0]);
  return LANGUAGES.find((language) => language === wanted.find((one) => known(LANGUAGES, one))) ?? 'en';
}

/** Reads a value stored in this browser. */
export function remembered(name: string): string | undefined {
  try {
    return localStorage.getItem(name) ?? undefined;
  } catch {
    return undefined;
  }
}

function known<T extends string>(all: readonly T[], text: string | undefined): T | undefined {
  return all.find((one) => one === text);
}
