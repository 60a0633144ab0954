import { useState } from 'preact/hooks';
import { remember, remembered } from '../model/prefs.js';
import { keyOf, type ClusterView } from '../model/types.js';
import { useWords } from '../text/words.js';
import { usePage, usePageState } from './context.js';
import { Icon } from './icons.js';

/** Reminds every reader after a recovery to repair Raft, until the reader dismisses it. */
export function Recovered({ view }: { view: ClusterView }) {
  const { t, f } = useWords();
  const page = usePage();
  const event = usePageState(({ history }) =>
    history.events.find(
      ({ type }) => type === 'recovered' || type === 'rebootstrapped' || type === 'bootstrapped',
    ),
  );
  // Every Raft group has a leader and exactly this list's voters.
  const isWell = usePageState(
    ({ health }) => health?.value.state === 'healthy' && health.value.revision === view.revision,
  );
  const name = `repaired ${keyOf(view)}`;
  const [repaired, setRepaired] = useState(() => remembered(name));
  if (isWell || event?.type !== 'recovered' || view.members.length === 0 || repaired === String(event.seq))
    return null;
  const done = (): void => {
    remember(name, String(event.seq));
    setRepaired(String(event.seq));
  };
  return (
    <p class="notice warn">
      <Icon name="wrench" /> {t.recovered(f.moment(event.time))}{' '}
      <button
        type="button"
        class="button small"
        onClick={() => page.ask({ type: 'repair', cluster: keyOf(view), members: view.members })}
      >
        {t.showRepair}
      </button>{' '}
      <button type="button" class="button small" onClick={done}>
        {t.repaired}
      </button>
    </p>
  );
}
