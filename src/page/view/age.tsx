import { useRef } from 'preact/hooks';
import { useWords } from '../text/words.js';
import { useTick } from './clock.js';

/**
 * Share of the TTL after which a member's next poll is late: Nacos polls every 5 s, and the TTL is three
 * polls.
 */
const LATE = 0.55;

interface AgeProps {
  /** Milliseconds since the member was last heard, at the time `at`. */
  readonly silentMs: number;
  readonly ttlMs: number;
  /** When the server reported it, on performance.now(). */
  readonly at: number;
  /** True if updates have stopped, so the current age is unknown. */
  readonly isStale: boolean;
}

/** How long ago a member was heard, against its TTL. It grows until the next update. */
export function Age({ silentMs, ttlMs, at, isStale }: AgeProps) {
  const { t, f } = useWords();
  const root = useRef<HTMLSpanElement>(null);
  const bar = useRef<HTMLSpanElement>(null);
  const text = useRef<HTMLSpanElement>(null);
  useTick(() => {
    if (!root.current || !bar.current || !text.current) return;
    const age = silentMs + (isStale ? 0 : performance.now() - at);
    const share = Math.min(1, age / ttlMs);
    bar.current.style.transform = `scaleX(${share.toFixed(3)})`;
    root.current.dataset.phase = isStale ? 'stale' : share >= 1 ? 'over' : share > LATE ? 'late' : 'fresh';
    const words = isStale ? t.wasHeard(f.duration(age)) : t.heardAgo(f.duration(age));
    if (text.current.textContent !== words) text.current.textContent = words;
    root.current.title = t.heardAgoLong(f.duration(age), f.duration(ttlMs));
  });
  return (
    <span class="age" ref={root}>
      <span class="age-track" aria-hidden="true">
        <span class="age-bar" ref={bar} />
      </span>
      <span class="age-text" ref={text} />
    </span>
  );
}
