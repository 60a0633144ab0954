import { useEffect } from 'preact/hooks';
import { focusRow } from './windowed.js';

/*
 * `/` focuses the search, arrow down moves from there to the first row, Esc clears it. Dialogs close by
 * themselves.
 */

export function useKeys(): void {
  useEffect(() => {
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}

function onKey(event: KeyboardEvent): void {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  if (target instanceof HTMLInputElement && target.type === 'search') {
    if (key === 'ArrowDown') {
      const list = document
        .getElementById(target.getAttribute('aria-controls') ?? '')
        ?.querySelector('.windowed');
      if (list && focusRow(list, Number(list.querySelector<HTMLElement>('[data-row]')?.dataset.row ?? 0))) {
        event.preventDefault();
      }
    }
    return;
  }
  const isTyping = target instanceof Element && target.matches('input, select, textarea');
  if (key === '/' && !isTyping) {
    const search = document.querySelector<HTMLInputElement>('main input[type=search]');
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  }
}
