import { useWords } from '../../text/words.js';

interface TypedNameProps {
  readonly name: string;
  readonly typed: string;
  readonly onType: (typed: string) => void;
}

/** The confirmation of what cannot be taken back: the cluster's name is typed. */
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
