import { useWords } from '../text/words.js';
import { Copyable } from './copy.js';
import { Strays } from './refused-callers.js';
import { Setup } from './setup.js';

/** What Nacos nodes poll when nobody told them otherwise. */
const USUAL = 'nacos/serverlist';

/** What shows a cluster without any Nacos. */
const DEMO = 'npx nacos-address-server demo';

/** Of a cluster whose size nobody has said yet. */
export const USUAL_SIZE = 3;

/** Before the first node has polled. */
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
