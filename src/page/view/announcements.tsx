import { useEffect, useRef, useState } from 'preact/hooks';
import { useWords } from '../text/words.js';
import { usePageState } from './context.js';

/** More simultaneous changes than this are only counted. */
const MOST = 3;

/** Announces changes of state to screen readers. */
export function Announcements() {
  const { t, f } = useWords();
  const [text, say] = useState('');
  const changes = usePageState(({ changes }) => changes);
  const status = usePageState(({ link }) => link.status);
  const before = useRef(status);
  useEffect(() => {
    if (changes.length === 0) return;
    say(
      changes.length > MOST
        ? t.manyChanged(f.number(changes.length))
        : changes
            .map(({ key, state }) => (state === undefined ? t.gone(key) : t.changed(key, t.state[state])))
            .join('. '),
    );
  }, [changes]);
  useEffect(() => {
    if (status === 'lost') say(t.link.lost);
    else if (status === 'live' && before.current === 'lost') say(t.connectionBack);
    before.current = status;
  }, [status]);
  return (
    <p class="for-ears" role="status" aria-live="polite">
      {text}
    </p>
  );
}
