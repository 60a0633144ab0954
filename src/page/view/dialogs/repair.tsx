import { useState } from 'preact/hooks';
import { resetPeers } from '../../model/snippet.js';
import type { MemberView } from '../../model/types.js';
import { useWords } from '../../text/words.js';
import { usePageState } from '../context.js';
import { Copyable } from '../copy.js';
import { RepairCommand } from '../repair-command.js';
import { Modal } from './modal.js';

interface RepairProps {
  readonly cluster: string;
  readonly members: readonly MemberView[];
}

/** Dialog that shows how to repair Raft after a recovery. */
export function RepairDialog(of: RepairProps) {
  const { t } = useWords();
  return (
    <Modal title={t.recoverDialog.repairTitle}>
      <div class="dialog-body">
        <Repair {...of} />
      </div>
    </Modal>
  );
}

/** The doctor's command, and how to repair by hand. */
export function Repair({ cluster, members }: RepairProps) {
  const { t } = useWords();
  const words = t.recoverDialog;
  return (
    <>
      <p>
        <strong>{words.repair}</strong>
      </p>
      <RepairCommand cluster={cluster} label={words.repair} />
      <details class="by-hand">
        <summary>{words.byHand}</summary>
        <div>
          <ByHand members={members} />
        </div>
      </details>
    </>
  );
}

/** The call to a survivor. Members that a recovery keeps come first on the list, and had settled before. */
function ByHand({ members }: Pick<RepairProps, 'members'>) {
  const { t } = useWords();
  const words = t.recoverDialog;
  const likely = members.find(({ settled, state }) => settled && state === 'live') ?? members[0];
  const [survivor, choose] = useState(likely?.address ?? '');
  const health = usePageState((state) => state.health);
  return (
    <>
      <p>{words.resetPeers}</p>
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
          health?.value.nodes.find(({ address }) => address === survivor)?.version,
        )}
        label={words.resetPeers}
      />
      <ul class="notes">
        {words.repairNotes.map((note) => (
          <li key={note}>{note}</li>
        ))}
      </ul>
    </>
  );
}
