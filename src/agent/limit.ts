import { setMaxListeners } from 'node:events';

/**
 * Runs a task with a signal that aborts when the time is over, or when the outer one does. Not AbortSignal.any with
 * AbortSignal.timeout: Node 20 lets the garbage collector take such a signal with its timer, and then it never aborts.
 */
export async function withinTime<T>(
  ms: number,
  outer: AbortSignal | undefined,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new DOMException('the time is over', 'TimeoutError')), ms);
  const passOn = (): void => controller.abort(outer?.reason);
  if (outer?.aborted) passOn();
  // As many as there are tasks at once, each of which takes its own off: Node takes more than ten for a leak.
  if (outer) setMaxListeners(0, outer);
  outer?.addEventListener('abort', passOn);
  try {
    return await task(controller.signal);
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', passOn);
  }
}

/** What a promise resolves with, or undefined after `ms` milliseconds; it goes on all the same. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), ms)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
