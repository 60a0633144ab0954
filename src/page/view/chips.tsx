import { useWords } from '../text/words.js';
import { Icon, type IconName } from './icons.js';

export interface Chip<T extends string> {
  readonly value: T;
  readonly text: string;
  readonly count: number;
  readonly icon: IconName;
  readonly tone: string;
}

interface ChipsProps<T extends string> {
  readonly label: string;
  readonly chips: readonly Chip<T>[];
  readonly total: number;
  readonly chosen: T | undefined;
  readonly onChoose: (value: T | undefined) => void;
}

/** Counts by state; each is a button that filters by it. */
export function Chips<T extends string>({ label, chips, total, chosen, onChoose }: ChipsProps<T>) {
  const { t, f } = useWords();
  return (
    <div class="chips" role="group" aria-label={label}>
      <button
        type="button"
        class="chip"
        aria-pressed={chosen === undefined}
        onClick={() => onChoose(undefined)}
      >
        {t.all} <b>{f.number(total)}</b>
      </button>
      {chips.map(({ value, text, count, icon, tone }) =>
        count === 0 && chosen !== value ? null : (
          <button
            key={value}
            type="button"
            class={`chip ${tone}`}
            aria-pressed={chosen === value}
            onClick={() => onChoose(chosen === value ? undefined : value)}
          >
            <Icon name={icon} /> {text} <b>{f.number(count)}</b>
          </button>
        ),
      )}
    </div>
  );
}
