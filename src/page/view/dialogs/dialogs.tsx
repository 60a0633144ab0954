import { usePageState } from '../context.js';
import { DeleteDialog } from './delete.js';
import { RecoverDialog } from './recover.js';
import { RepairDialog } from './repair.js';
import { TakeOffDialog } from './take-off.js';

/** Shows the open dialog, if any. */
export function Dialogs() {
  const question = usePageState(({ question }) => question);
  switch (question?.type) {
    case undefined:
      return null;
    case 'take-off':
      return <TakeOffDialog {...question} />;
    case 'recover':
      return <RecoverDialog {...question} />;
    case 'delete':
      return <DeleteDialog {...question} />;
    case 'repair':
      return <RepairDialog {...question} />;
  }
}
