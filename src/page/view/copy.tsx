import { useRef, useState } from 'preact/hooks';
import { useWords } from '../text/words.js';
import { Icon } from './icons.js';

interface CopyableProps {
  readonly text: string;
  readonly label: string;
  /** Whether the text is one command, which wraps between words instead of being cut off. */
  readonly isCommand?: boolean;
}

/** A text with a copy button. */
export function Copyable({ text, label, isCommand = false }: CopyableProps) {
  const { t } = useWords();
  const pre = useRef<HTMLPreElement>(null);
  const [said, say] = useState<'copied' | 'failed'>();
  const copy = async (): Promise<void> => {
    const isCopied = await copyText(text, pre.current);
    say(isCopied ? 'copied' : 'failed');
    setTimeout(() => say(undefined), 2_500);
  };
  return (
    <div class={isCommand ? 'copyable command' : 'copyable'}>
      <pre ref={pre} tabIndex={0} aria-label={label} role="region">
        <code>{isCommand ? text.split(/( )/).map((word, i) => <span key={i}>{word}</span>) : text}</code>
      </pre>
      <button type="button" class="button small" onClick={() => void copy()}>
        <Icon name={said === 'copied' ? 'check' : 'copy'} />
        {said === 'copied' ? t.copied : t.copy}
      </button>
      <span role="status" class={said === 'failed' ? 'dim' : 'for-ears'}>
        {said === undefined ? '' : said === 'copied' ? t.copied : t.copyFailed}
      </span>
    </div>
  );
}

/**
 * Copies a text. Browsers offer the clipboard API only on https and localhost; the old way works everywhere.
 */
async function copyText(text: string, element: HTMLElement | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    if (!element) return false;
    getSelection()?.selectAllChildren(element);
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- there is no other way over plain http
    return document.execCommand('copy');
  }
}
