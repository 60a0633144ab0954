import { Icon } from './icons.js';

interface SearchProps {
  readonly label: string;
  readonly hint: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** The id of the element that is searched. */
  readonly controls: string;
}

/** A search field. Esc clears it, and leaves it if it is empty. */
export function Search({ label, hint, value, onChange, controls }: SearchProps) {
  return (
    <label class="search">
      <Icon name="search" />
      <span class="for-ears">{label}</span>
      <input
        type="search"
        placeholder={hint}
        value={value}
        aria-controls={controls}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => onChange(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          if (value === '') event.currentTarget.blur();
          onChange('');
        }}
      />
    </label>
  );
}
