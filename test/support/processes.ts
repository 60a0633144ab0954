import type { ChildProcess } from 'node:child_process';

const releases = new Set<() => void>();
let hooked = false;

/**
 * Sees to it that something is released before this process ends, whatever ends it: a signal, a timeout, a crash
 * of the test. The last asked for comes first. Returns how to take that back, for when it has been released in good order.
 */
export function atProcessEnd(release: () => void): () => void {
  if (!hooked) hook();
  hooked = true;
  releases.add(release);
  return () => releases.delete(release);
}

/** Never lets a process outlive this one. */
export function endWithThisProcess(child: ChildProcess): void {
  const ended = atProcessEnd(() => child.kill('SIGKILL'));
  child.once('exit', ended);
}

function hook(): void {
  process.once('exit', () => {
    for (const release of [...releases].reverse()) {
      try {
        release();
      } catch (error) {
        // The others are released all the same.
        console.error(error);
      }
    }
  });
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    // Not once: a second signal, as a test runner sends that was told to end, would cut off what the first one releases.
    process.on(signal, () => process.exit(status));
  }
}
