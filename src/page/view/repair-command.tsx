import { repairCommand } from '../model/snippet.js';
import { useWords } from '../text/words.js';
import { usePageState } from './context.js';
import { Copyable } from './copy.js';

/** The doctor's command for a terminal. The page has no repair button: an operator should watch each step. */
export function RepairCommand({ cluster, label }: { cluster: string; label: string }) {
  const { t } = useWords();
  const changes = usePageState(({ server }) => server?.value.changes);
  return (
    <div>
      <Copyable text={repairCommand(cluster, location.origin)} label={label} isCommand />
      {changes === 'token' && <p class="notes">{t.health.commandToken}</p>}
      {changes === 'local' && <p class="notes">{t.health.commandLocal}</p>}
    </div>
  );
}
