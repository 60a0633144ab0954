import { printable } from '../printable.js';

/** What a server says is a stranger's text. */
export const plain = printable;

/** Reads JSON with every string {@link plain}, so whatever is printed of it is. Throws SyntaxError. */
export function readPlainJson(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) => (typeof value === 'string' ? plain(value) : value));
}
