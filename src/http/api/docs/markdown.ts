/** Escapes a text for HTML. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/**
 * Renders the marks that descriptions use (CommonMark): paragraphs, lists with hyphens, `code` and
 * *emphasis*.
 */
export function markup(text: string): string {
  return text
    .split('\n\n')
    .map((block) => {
      const lines = block.split('\n');
      const items = lines.filter((line) => line.startsWith('- '));
      const words = lines.filter((line) => !line.startsWith('- ')).join(' ');
      const list = items.map((item) => `<li>${inline(item.slice(2))}</li>`).join('');
      return (words === '' ? '' : `<p>${inline(words)}</p>`) + (list === '' ? '' : `<ul>${list}</ul>`);
    })
    .join('\n');
}

/** Renders `code` and *emphasis*, without blocks. */
export function inline(text: string): string {
  return escapeHtml(text)
    .split(/(`[^`]*`)/)
    .map((part) =>
      part.startsWith('`')
        ? `<code>${part.slice(1, -1)}</code>`
        : part.replace(/\*([^*]+)\*/g, '<em>$1</em>'),
    )
    .join('');
}
