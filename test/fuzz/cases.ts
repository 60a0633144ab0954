import fc, { type Arbitrary } from 'fast-check';
import { render, request, type Request } from './requests.js';

/** What is done to the bytes of the requests before they are sent. */
interface Damage {
  readonly kind: 'flip' | 'insert' | 'delete' | 'repeat' | 'cut' | 'bare LF' | 'bare CR';
  /** Where, from 0 to 1. */
  readonly at: number;
  readonly byte: number;
  readonly length: number;
}

/** How the bytes are sent, and what comes then. */
export interface Delivery {
  /** The address that they come from; the second is that of a trusted proxy. */
  readonly from: '127.0.0.1' | '127.0.0.2' | '127.0.0.3';
  readonly pieces: 'whole' | 'every byte' | readonly number[];
  readonly end: 'wait' | 'half-close' | 'hang up';
}

/** One connection. */
export interface Case {
  readonly requests: readonly Request[];
  readonly damage: readonly Damage[];
  readonly delivery: Delivery;
}

const fraction = fc.integer({ min: 0, max: 1_000 }).map((n) => n / 1_000);

const damage: Arbitrary<Damage> = fc.record({
  kind: fc.constantFrom('flip', 'insert', 'delete', 'repeat', 'cut', 'bare LF', 'bare CR'),
  at: fraction,
  byte: fc.integer({ min: 0, max: 255 }),
  length: fc.integer({ min: 1, max: 40 }),
});

const delivery: Arbitrary<Delivery> = fc.record({
  from: fc.constantFrom('127.0.0.1', '127.0.0.2', '127.0.0.3'),
  pieces: fc.oneof(
    { weight: 12, arbitrary: fc.constant('whole' as const) },
    { weight: 1, arbitrary: fc.constant('every byte' as const) },
    { weight: 3, arbitrary: fc.array(fraction, { minLength: 1, maxLength: 4 }) },
  ),
  end: fc.oneof(
    { weight: 12, arbitrary: fc.constant('wait' as const) },
    { weight: 1, arbitrary: fc.constantFrom('half-close', 'hang up') },
  ),
});

const nothing = fc.constant<readonly Damage[]>([]);

/** One request that arrives as it was made. */
export const soundCase: Arbitrary<Case> = fc.record({
  requests: fc.tuple(request),
  damage: nothing,
  delivery: delivery.map((given) => ({ ...given, end: 'wait' as const })),
});

/** Several on one connection now and then, and broken ones. */
export const anyCase: Arbitrary<Case> = fc.record({
  requests: fc.oneof(
    { weight: 8, arbitrary: fc.array(request, { minLength: 1, maxLength: 1 }) },
    { weight: 2, arbitrary: fc.array(request, { minLength: 2, maxLength: 5 }) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(request, fc.integer({ min: 2, max: 150 }))
        .map(([one, times]) => Array<Request>(times).fill(one)),
    },
  ),
  damage: fc.oneof(
    { weight: 4, arbitrary: nothing },
    { weight: 1, arbitrary: fc.array(damage, { minLength: 1, maxLength: 3 }) },
  ),
  delivery,
});

/** The bytes of a case, one character each. */
export function bytesOf({ requests, damage }: Pick<Case, 'requests' | 'damage'>): string {
  return damage.reduce(harm, requests.map(render).join(''));
}

function harm(text: string, { kind, at, byte, length }: Damage): string {
  const from = Math.floor(at * text.length);
  const before = text.slice(0, from);
  const here = text.slice(from, from + length);
  const after = text.slice(from + length);
  switch (kind) {
    case 'flip':
      return `${before}${String.fromCharCode(byte)}${text.slice(from + 1)}`;
    case 'insert':
      return `${before}${String.fromCharCode(byte).repeat(length)}${here}${after}`;
    case 'delete':
      return before + after;
    case 'repeat':
      return before + here + here + after;
    case 'cut':
      return before;
    case 'bare LF':
      return text.replaceAll('\r\n', '\n');
    case 'bare CR':
      return text.replaceAll('\r\n', '\r');
  }
}

/** The bytes in the pieces in which they are sent. */
export function piecesOf(text: string, pieces: Delivery['pieces']): string[] {
  if (pieces === 'whole') return [text];
  // Long ones would take for ever, and all that matters of them is at the start.
  if (pieces === 'every byte') return [...text.slice(0, 400).split(''), text.slice(400)];
  const cuts = [0, ...pieces.map((at) => Math.floor(at * text.length)).sort((a, b) => a - b), text.length];
  return cuts.slice(1).map((to, i) => text.slice(cuts[i], to));
}
