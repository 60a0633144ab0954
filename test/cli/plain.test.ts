import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toPrintable, readPlainJson } from '../../src/cli/plain.js';

test('nothing that a terminal would obey, or that hides, is left in a text', () => {
  const shown: readonly (readonly [given: string, plain: string])[] = [
    ['10.0.0.5:8848 – ä, 成员, 🙂', '10.0.0.5:8848 – ä, 成员, 🙂'],
    ['\x1b[2J\x07', '\\u001b[2J\\u0007'],
    ['a\r\n\tb', 'a\\u000d\\u000a\\u0009b'],
    ['\x7f\x9b31m', '\\u007f\\u009b31m'],
    ['a\u202eb\u2066\u200b\ufeff', 'a\\u202eb\\u2066\\u200b\\ufeff'],
    ['\u2028\u{e0041}', '\\u2028\\u{e0041}'],
    ['\ud800', '\\ud800'],
  ];
  for (const [given, expected] of shown) assert.equal(toPrintable(given), expected);
});

test('JSON is read with every text plain', () => {
  const text = String.raw`{"reason":"\u001b]0;x\u0007","rows":["a\nb",1,null]}`;
  assert.deepEqual(readPlainJson(text), { reason: '\\u001b]0;x\\u0007', rows: ['a\\u000ab', 1, null] });
});
