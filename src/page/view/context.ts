import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Page, PageState } from '../model/page.js';
import type { Preferences } from '../model/prefs.js';
import { useStore, type Store } from '../model/store.js';

export interface Surroundings {
  readonly page: Page;
  readonly preferences: Store<Preferences>;
}

export const SurroundingsContext = createContext<Surroundings | undefined>(undefined);

export function useSurroundings(): Surroundings {
  const found = useContext(SurroundingsContext);
  if (!found) throw new Error('the page is drawn without its surroundings');
  return found;
}

export function usePage(): Page {
  return useSurroundings().page;
}

/** Selects a part of the page's state. */
export function usePageState<T>(select: (state: PageState) => T): T {
  return useStore(usePage().store, select);
}

/** Whether the data shown is out of date because the connection is lost. */
export function useIsStale(): boolean {
  return usePageState(({ link }) => link.status === 'lost');
}

/** Whether the data shown is out of date, or not yet refreshed after the page was hidden. */
export function useIsOld(): boolean {
  return usePageState(({ link }) => link.status !== 'live');
}
