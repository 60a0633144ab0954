import { useWords } from '../text/words.js';
import { Strays } from './refused-callers.js';
import { Setup } from './setup.js';

/** What Nacos nodes poll when nobody told them otherwise. */
const USUAL = 'nacos/serverlist';

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
    </div>
  );
}
