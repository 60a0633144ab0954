import { useWords } from '../../text/words.js';

interface TypedNameProps {
  readonly name: string;
  readonly typed: string;
  readonly onType: (typed: string) => void;
}

/** Confirms an irreversible change: the user types the cluster's name. */
export function TypedName({ name, typed, onType }: TypedNameProps) {
  const { t } = useWords();
  return (
    <label class="field">
      <span>{t.typeName(name)}</span>
      <input
        type="text"
        value={typed}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        placeholder={name}
        onInput={(event) => onType(event.currentTarget.value)}
      />
    </label>
  );
}

export function isTyped(name: string, typed: string): boolean {
  return typed.trim() === name;
}
