import { useState } from 'preact/hooks';
import { recover } from '../../model/api.js';
import type { ClusterView } from '../../model/types.js';
import { useWords } from '../../text/words.js';
import { usePage, usePageState } from '../context.js';
import { Icon } from '../icons.js';
import { ChangeForm } from './change.js';
import { Modal } from './modal.js';
import { Repair } from './repair.js';
import { isTyped, TypedName } from './typed-name.js';

/** Dialog for the operator's part of R7: recovers the list, then shows how to repair Raft on a survivor. */
export function RecoverDialog({ cluster }: { cluster: string }) {
  const { t, f } = useWords();
  const words = t.recoverDialog;
  const page = usePage();
  const view = usePageState((state) => state.cluster?.value);
  const [typed, type] = useState('');
  const [done, setDone] = useState<ClusterView>();
  const gone = view?.members.filter(({ state }) => state === 'down' || state === 'silent') ?? [];
  const names = gone.length === 0 ? words.nobody : f.list(gone.map(({ address }) => address));
  return (
    <Modal title={done ? words.doneTitle(cluster) : words.title(cluster)}>
      {done ? (
        <div class="dialog-body">
          <p class="notice good" role="status">
            <Icon name="check" /> {words.done(f.number(done.revision))}
          </p>
          <Repair cluster={cluster} members={done.members} />
        </div>
      ) : (
        <ChangeForm
          isConfirmed={isTyped(cluster, typed)}
          submit={words.submit}
          change={(token) => recover(cluster, token)}
          onDone={(recovered) => {
            setDone(recovered);
            page.takeCluster(recovered);
          }}
        >
          <p>{words.will(f.number(view?.live ?? 0), names, f.number(view?.waiting.length ?? 0))}</p>
          <p>
            <strong>{words.before}</strong>
          </p>
          <p>{words.after}</p>
          <TypedName name={cluster} typed={typed} onType={type} />
        </ChangeForm>
      )}
    </Modal>
  );
}
