import { setMaxListeners } from 'node:events';

/**
 * Runs a task with a signal that aborts when the time is over or the outer signal aborts. Not AbortSignal.any
 * with AbortSignal.timeout: Node 20 may garbage-collect such a signal with its timer, and then it never
 * aborts.
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
  // There is a listener for each running task, and each removes its own; Node warns of a leak above ten.
  if (outer) setMaxListeners(0, outer);
  outer?.addEventListener('abort', passOn);
  try {
    return await task(controller.signal);
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', passOn);
  }
}

/**
 * Resolves with the promise's result, or with undefined after `ms` milliseconds; the promise's work goes on.
 */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), ms)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
