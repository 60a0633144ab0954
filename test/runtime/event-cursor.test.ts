import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'node:test';
import { EventCursor, parseCursor } from '../../src/runtime/event-cursor.js';

function parsed(text: string): EventCursor {
  const read = parseCursor(text);
  assert.ok(read.ok, text);
  return read.value;
}

describe('an event cursor', () => {
  it('takes each number once, a smaller one that comes late too', () => {
    const cursor = new EventCursor(10);
    assert.deepEqual(
      [10, 11, 13, 13, 12, 12, 9].map((seq) => cursor.take(seq)),
      [false, true, true, false, true, false, false],
    );
  });

  it('is a number in plain text, with what may still come', () => {
    const cursor = new EventCursor(10);
    cursor.take(11);
    assert.equal(String(cursor), '11');
    cursor.take(15);
    cursor.take(17);
    assert.equal(String(cursor), '17~12-14,16');
    cursor.take(13);
    assert.equal(String(cursor), '17~12,14,16');
    assert.equal(cursor.from, 11, 'what is passed over is looked for');
    assert.equal(String(parsed('17~12,14,16')), '17~12,14,16');
  });

  it('gives up after 10 s what never came', () => {
    const cursor = new EventCursor(10);
    cursor.take(12, 1_000);
    cursor.expire(10_999);
    assert.equal(String(cursor), '12~11');
    cursor.expire(11_000);
    assert.equal(String(cursor), '12');
    assert.equal(cursor.take(11), false);
  });

  it('looks again at the last one, to see whether the history is still the same', () => {
    assert.equal(new EventCursor(10).from, 9);
    assert.equal(new EventCursor(0).from, 0);
  });

  it('trusts one that knows which numbers were passed over for good', () => {
    const cursor = new EventCursor(0);
    for (const seq of [5, 9, 20]) cursor.take(seq);
    cursor.trust(parsed('12~7-8'));
    assert.equal(String(cursor), '20~7-8,13-19');
  });

  it('does not read what it did not write', () => {
    for (const text of ['', 'x', '-1', '1~', '1~x', '1~2-', '1~-', '1~1,,2', '1~1-2-3', '1234567890123456']) {
      assert.equal(parseCursor(text).ok, false, text);
    }
    assert.equal(parseCursor(`1~${Array.from({ length: 33 }, (_, i) => i).join(',')}`).ok, false);
  });

  it('tells everything once, in whatever order it comes and wherever a reader comes back', () => {
    const order = fc.shuffledSubarray(
      Array.from({ length: 20 }, (_, i) => i + 1),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(order, fc.array(fc.nat(40), { maxLength: 5 }), (seqs, comesBackAfter) => {
        let cursor = new EventCursor(0);
        const told: number[] = [];
        seqs.forEach((seq, i) => {
          if (comesBackAfter.includes(i)) cursor = parsed(String(cursor));
          // It is found again and again, as one looks into the store.
          for (const found of seqs.slice(0, i + 1))
            if (found >= cursor.from && cursor.take(found)) told.push(found);
          assert.equal(told.at(-1), seq);
        });
        assert.deepEqual(told, seqs);
      }),
    );
  });
});
