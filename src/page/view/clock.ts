import { useLayoutEffect, useReducer, useRef } from 'preact/hooks';

/* One clock for everything on the page that ages between updates. */

/** Milliseconds between ticks. With prefers-reduced-motion nothing glides. */
const TICK_INTERVAL_MS = 250;
const CALM_PACE = 1_000;

const calls = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(call: () => void): () => void {
  calls.add(call);
  timer ??= setInterval(
    () => {
      if (document.visibilityState === 'hidden') return;
      for (const one of calls) one();
    },
    matchMedia('(prefers-reduced-motion: reduce)').matches ? CALM_PACE : TICK_INTERVAL_MS,
  );
  return () => {
    calls.delete(call);
    if (calls.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** Calls at every tick and after every render, for small updates that bypass the components. */
export function useTick(call: () => void): void {
  const latest = useRef(call);
  latest.current = call;
  useLayoutEffect(() => latest.current());
  useLayoutEffect(() => subscribe(() => latest.current()), []);
}

/** Returns performance.now(), and renders the component again each second while `isRunning`. */
export function useNow(isRunning = true): number {
  const [, redraw] = useReducer<number, undefined>((count) => count + 1, 0);
  const second = useRef(0);
  second.current = Math.floor(performance.now() / 1_000);
  useLayoutEffect(() => {
    if (!isRunning) return;
    return subscribe(() => {
      if (Math.floor(performance.now() / 1_000) !== second.current) redraw(undefined);
    });
  }, [isRunning]);
  return performance.now();
}
