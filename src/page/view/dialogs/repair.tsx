import { useState } from 'preact/hooks';
import { resetPeers } from '../../model/snippet.js';
import type { MemberView } from '../../model/types.js';
import { useWords } from '../../text/words.js';
import { Copyable } from '../copy.js';
import { Modal } from './modal.js';

/** How Raft is repaired after a recovery. */
export function RepairDialog({ members }: { members: readonly MemberView[] }) {
  const { t } = useWords();
  return (
    <Modal title={t.recoverDialog.repairTitle}>
      <div class="dialog-body">
        <Repair members={members} />
      </div>
    </Modal>
  );
}

/** The call to a survivor; those that a recovery keeps come first on the list, and had settled before. */
export function Repair({ members }: { members: readonly MemberView[] }) {
  const { t } = useWords();
  const words = t.recoverDialog;
  const likely = members.find(({ settled, state }) => settled && state === 'live') ?? members[0];
  const [survivor, choose] = useState(likely?.address ?? '');
  return (
    <>
      <p>
        <strong>{words.repair}</strong>
      </p>
      <label class="field">
        <span>{words.survivor}</span>
        <select value={survivor} onChange={(event) => choose(event.currentTarget.value)}>
          {members.map(({ address }) => (
            <option key={address} value={address}>
              {address}
            </option>
          ))}
        </select>
      </label>
      <Copyable
        text={resetPeers(
          survivor,
          members.map(({ address }) => address),
        )}
        label={words.repair}
      />
      <ul class="notes">
        {words.repairNotes.map((note) => (
          <li key={note}>{note}</li>
        ))}
      </ul>
    </>
  );
}
