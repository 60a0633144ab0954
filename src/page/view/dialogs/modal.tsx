import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useWords } from '../../text/words.js';
import { usePage } from '../context.js';
import { Icon } from '../icons.js';

/** A dialog that keeps the focus until it is closed; Esc closes it. */
export function Modal({ title, children }: { title: string; children: ComponentChildren }) {
  const { t } = useWords();
  const page = usePage();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={() => page.ask(undefined)}>
      <div class="dialog-head">
        <h2 id="dialog-title" tabIndex={-1} autofocus>
          {title}
        </h2>
        <button
          type="button"
          class="button quiet icon-only"
          aria-label={t.close}
          onClick={() => dialog.current?.close()}
        >
          <Icon name="cross" />
        </button>
      </div>
      {children}
    </dialog>
  );
}
