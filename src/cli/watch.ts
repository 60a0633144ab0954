import type { Client } from './client.js';
import { ConnectionNotices } from './connection-notices.js';
import { Throttle } from './throttle.js';
import { readStream } from './stream.js';
import { ClusterCache, type Picture } from './cluster-cache.js';

/** The shortest time between two updates. */
const INTERVAL_MS = 1_000;

/** Where a watch is shown. */
export interface Display {
  /**
   * Whether it is redrawn in place: it then shows a lost connection itself, and many clusters only as a
   * summary.
   */
  readonly isScreen: boolean;
  show(picture: Picture): Promise<void> | void;
  close(): void;
}

/** `members --watch`: shows clusters as they change, until a signal. Rejects with ClientError. */
export async function watch(client: Client, cluster: string | undefined, display: Display): Promise<never> {
  const watched = new ClusterCache(client, cluster);
  const throttle = new Throttle(async () => {
    await watched.refresh({ atAGlance: display.isScreen });
    await display.show(watched.picture);
    if (watched.isAging) throttle.ask();
  }, INTERVAL_MS);
  const follow = async (): Promise<never> => {
    const news = new ConnectionNotices();
    const stream = readStream(client, new URLSearchParams(cluster === undefined ? {} : { cluster }));
    for (;;) {
      const { value: said } = await stream.next();
      watched.take(said);
      if (!display.isScreen) news.tell(said);
      if (watched.isReady) throttle.ask();
    }
  };
  try {
    return await Promise.race([follow(), throttle.failed]);
  } finally {
    throttle.stop();
    display.close();
  }
}
