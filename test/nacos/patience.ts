import { eventually } from '../support/eventually.js';

/**
 * How long anything that real nodes do may take, in milliseconds: on two idle cores it takes half a minute at most.
 * A machine that is many times slower must pass, too; the limit only tells never from late.
 */
export const PATIENCE = 10 * 60_000;

/** Waits until `met` returns something but undefined and false, asking again every `every` ms. */
export function patiently<T>(
  what: string,
  met: () => T | Promise<T>,
  every = 250,
): Promise<Exclude<T, undefined | false>> {
  return eventually(what, met, PATIENCE, every);
}
