import { useState } from 'preact/hooks';
import { takeOff, type TakenOff } from '../../model/api.js';
import { useWords } from '../../text/words.js';
import { usePageState } from '../context.js';
import { Icon, MEMBER_ICONS } from '../icons.js';
import { ChangeForm } from './change.js';
import { Modal } from './modal.js';

/** Dialog that takes a dead member off the list: the effect, the precondition, and what remains to do. */
export function TakeOffDialog({ cluster, address }: { cluster: string; address: string }) {
  const { t, f } = useWords();
  const words = t.takeOffDialog;
  const view = usePageState((state) => state.cluster?.value);
  const [isTicked, tick] = useState(false);
  const [done, setDone] = useState<TakenOff>();
  const member = view?.members.find((one) => one.address === address);
  const isBack = member !== undefined && member.state !== 'silent' && member.state !== 'down';
  return (
    <Modal title={words.title(address)}>
      {done ? (
        <div role="status" class="dialog-body">
          <p class="notice good">
            <Icon name="check" /> {words.done(done.address, f.number(done.revision))}
          </p>
          <p>
            {done.pendingMembers.length === 0
              ? words.allHave
              : words.pendingMembers(f.list(done.pendingMembers))}
          </p>
          {done.voterIn && done.voterIn.length > 0 && <p>{words.voterIn(f.list(done.voterIn))}</p>}
        </div>
      ) : (
        <ChangeForm
          isConfirmed={isTicked && !isBack}
          submit={words.submit}
          change={(token) => takeOff(cluster, address, token)}
          onDone={setDone}
        >
          <p>{words.will(cluster, f.number((view?.revision ?? 0) + 1))}</p>
          <p>
            <strong>{words.before}</strong>
          </p>
          <p>{words.after}</p>
          {isBack ? (
            <p class="notice" role="status">
              <Icon name={MEMBER_ICONS.live} /> {words.back(address)}
            </p>
          ) : (
            <label class="tick">
              <input
                type="checkbox"
                checked={isTicked}
                onInput={(event) => tick(event.currentTarget.checked)}
              />
              <span>{words.confirm}</span>
            </label>
          )}
        </ChangeForm>
      )}
    </Modal>
  );
}
