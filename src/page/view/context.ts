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

/** A part of what there is to see. */
export function usePageState<T>(select: (state: PageState) => T): T {
  return useStore(usePage().store, select);
}

/** Whether what is shown is of the past, and nobody knows how it is now. */
export function useIsStale(): boolean {
  return usePageState(({ link }) => link.status === 'lost');
}

/** The same, or not yet told anew after nobody looked. */
export function useIsOld(): boolean {
  return usePageState(({ link }) => link.status !== 'live');
}
