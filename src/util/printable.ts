/*
 * A stranger's text: control characters could move a terminal's cursor, hide what was printed before, or change the order in
 * which it is read.
 */

/** Control and format characters (bidirectional ones, too), line separators, halves of characters. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The text with all that is no printable character written out, as `\u001b`. Line ends are among it. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}
