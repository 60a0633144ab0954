import { printable } from '../util/printable.js';

/** A server's text is untrusted. */
export const toPrintable = printable;

/**
 * Reads JSON and makes every string {@link toPrintable}, so that all of it may be printed. Throws
 * SyntaxError.
 */
export function readPlainJson(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) => (typeof value === 'string' ? toPrintable(value) : value));
}
