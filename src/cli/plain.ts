import { printable } from '../util/printable.js';

/** What a server says is a stranger's text. */
export const toPrintable = printable;

/** Reads JSON with every string {@link toPrintable}, so whatever is printed of it is. Throws SyntaxError. */
export function readPlainJson(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) => (typeof value === 'string' ? toPrintable(value) : value));
}
