import { mayBeGivenUp } from '../model/order.js';
import { keyOf, type ClusterView } from '../model/types.js';
import { useWords } from '../text/words.js';
import { usePage } from './context.js';

/** Offers to delete a cluster without live members, bootstrapped by mistake or no longer needed. */
export function GiveUp({ view }: { view: ClusterView }) {
  const { t } = useWords();
  const page = usePage();
  if (!mayBeGivenUp(view)) return null;
  return (
    <p class="give-up dim">
      {t.giveUp}{' '}
      <button
        type="button"
        class="button small"
        onClick={() => page.ask({ type: 'delete', cluster: keyOf(view) })}
      >
        {t.delete}
      </button>
    </p>
  );
}
