import { useWords } from '../text/words.js';
import { Copyable } from './copy.js';
import { Strays } from './refused-callers.js';
import { Setup } from './setup.js';

/** The cluster that Nacos nodes poll by default. */
const USUAL = 'nacos/serverlist';

/** The command that shows a cluster without any Nacos. */
const DEMO = 'npx nacos-address-server demo';

/** Size assumed for a cluster that no node has named a size for. */
export const USUAL_SIZE = 3;

/** Shown before the first node has polled. */
export function Welcome() {
  const { t } = useWords();
  return (
    <div class="single">
      <section class="card welcome">
        <h1>{t.noClusters}</h1>
        <p>{t.noClustersDo}</p>
      </section>
      <Strays />
      <Setup name={USUAL} size={USUAL_SIZE} />
      <section class="card welcome">
        <p>{t.noClustersDemo}</p>
        <Copyable text={DEMO} label={t.demo} isCommand />
      </section>
    </div>
  );
}
