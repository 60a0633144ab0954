import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Refused } from '../../model/api.js';
import { useWords } from '../../text/words.js';
import { usePage, usePageState } from '../context.js';

interface ChangeFormProps<T> {
  /** Whether the required text is typed, or the box ticked. */
  readonly isConfirmed: boolean;
  readonly submit: string;
  readonly change: (token: string | undefined) => Promise<T>;
  readonly onDone: (result: T) => void;
  readonly children: ComponentChildren;
}

/**
 * The lower part of every dialog that makes a change: the confirmation, the token, and the server's answer.
 */
export function ChangeForm<T>({ isConfirmed, submit, change, onDone, children }: ChangeFormProps<T>) {
  const { t } = useWords();
  const page = usePage();
  const changes = usePageState(({ server }) => server?.value.changes);
  const needsToken = changes === 'token';
  const [token, setToken] = useState(page.token ?? '');
  const [isWorking, setWorking] = useState(false);
  const [refused, setRefused] = useState<Refused>();
  const isReady = isConfirmed && !isWorking && (!needsToken || token !== '');

  const run = async (): Promise<void> => {
    setWorking(true);
    setRefused(undefined);
    try {
      const result = await change(needsToken ? token : undefined);
      page.token = needsToken ? token : undefined;
      onDone(result);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.status === 401) page.token = undefined;
      setRefused(error);
    } finally {
      setWorking(false);
    }
  };

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (isReady) void run();
      }}
    >
      {children}
      {/* Only the server knows whether the browser runs on its machine. */}
      {changes === 'local' && <p class="dim">{t.localChanges}</p>}
      {needsToken && (
        <label class="field">
          <span>{t.token}</span>
          <input
            type="password"
            value={token}
            autocomplete="off"
            aria-describedby="token-help"
            onInput={(event) => setToken(event.currentTarget.value)}
          />
          <small id="token-help" class="dim">
            {t.tokenHelp}
          </small>
        </label>
      )}
      {refused && (
        <p class="notice bad" role="alert">
          <strong>
            {refused.status === 401 ? t.wrongToken : refused.status === 0 ? t.unreachable : t.refusedBecause}
          </strong>{' '}
          <span lang="en">{refused.message}</span>
        </p>
      )}
      <div class="dialog-foot">
        <button
          type="button"
          class="button"
          onClick={(event) => event.currentTarget.closest('dialog')?.close()}
        >
          {t.cancel}
        </button>
        <button type="submit" class="button danger" disabled={!isReady}>
          {isWorking ? t.working : submit}
        </button>
      </div>
    </form>
  );
}
