import { useEffect, useState } from 'preact/hooks';

/** Media query for narrow windows, where rows become cards; the same as in the style sheets. */
export const NARROW = '(max-width: 859px)';

/** Whether a media query matches; renders the component again when that changes. */
export function useMedia(query: string): boolean {
  const [matches, set] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const changed = (): void => set(list.matches);
    changed();
    list.addEventListener('change', changed);
    return () => list.removeEventListener('change', changed);
  }, [query]);
  return matches;
}
