/**
 * Printable forms of untrusted text: control characters could move a terminal's cursor, hide earlier output,
 * or change the reading order.
 */

/**
 * Control and format characters (including bidirectional ones), line separators, and halves of surrogate
 * pairs.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Replaces each unprintable character, including line breaks, by its escape, such as `\u001b`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}
