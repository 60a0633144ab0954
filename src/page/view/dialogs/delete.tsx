import { useState } from 'preact/hooks';
import { deleteCluster } from '../../model/api.js';
import { mayBeGivenUp } from '../../model/order.js';
import { useWords } from '../../text/words.js';
import { usePageState } from '../context.js';
import { Icon, MEMBER_ICONS } from '../icons.js';
import { ChangeForm } from './change.js';
import { Modal } from './modal.js';
import { isTyped, TypedName } from './typed-name.js';

/** Dialog that deletes a cluster without live members: what goes, what stays, and the precondition. */
export function DeleteDialog({ cluster }: { cluster: string }) {
  const { t, f } = useWords();
  const words = t.deleteDialog;
  const view = usePageState((state) => state.cluster?.value);
  const [typed, type] = useState('');
  const [isDone, setDone] = useState(false);
  const isBack = view ? !mayBeGivenUp(view) : false;
  return (
    <Modal title={isDone ? words.doneTitle(cluster) : words.title(cluster)}>
      {isDone ? (
        <div role="status" class="dialog-body">
          <p class="notice good">
            <Icon name="check" /> {words.done}
          </p>
          <p>
            {words.history} <code>nacos-address-server events {cluster}</code>
          </p>
        </div>
      ) : (
        <ChangeForm
          isConfirmed={isTyped(cluster, typed) && !isBack}
          submit={words.submit}
          change={(token) => deleteCluster(cluster, token)}
          onDone={() => setDone(true)}
        >
          <p>{words.will(f.number(view?.members.length ?? 0), f.number(view?.waiting.length ?? 0))}</p>
          <p>
            <strong>{words.before}</strong>
          </p>
          <p>{words.after}</p>
          {isBack ? (
            <p class="notice" role="status">
              <Icon name={MEMBER_ICONS.live} /> {words.back(cluster)}
            </p>
          ) : (
            <TypedName name={cluster} typed={typed} onType={type} />
          )}
        </ChangeForm>
      )}
    </Modal>
  );
}
