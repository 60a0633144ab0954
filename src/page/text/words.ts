import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Language } from '../model/prefs.js';
import { en, type Texts } from './en.js';
import { Format } from './format.js';
import { zh } from './zh.js';

/** The reader's language, with its texts and formats. */
export interface Words {
  readonly language: Language;
  /** For `lang` attributes. */
  readonly tag: string;
  readonly t: Texts;
  readonly f: Format;
}

const TEXTS: Record<Language, { tag: string; texts: Texts }> = {
  en: { tag: 'en', texts: en },
  zh: { tag: 'zh-CN', texts: zh },
};

export function wordsOf(language: Language): Words {
  const { tag, texts } = TEXTS[language];
  // Formats dates for the reader's region if it uses this language.
  const region = navigator.languages.find((one) => one.startsWith(`${language}-`)) ?? tag;
  return { language, tag, t: texts, f: new Format(region, texts) };
}

export const WordsContext = createContext<Words>(wordsOf('en'));

export function useWords(): Words {
  return useContext(WordsContext);
}
