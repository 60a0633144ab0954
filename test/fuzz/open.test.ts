import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soundCase } from './cases.js';
import { checkAnswers, checkLog, checkSame, isRefused } from './checks.js';
import { startSubject } from './harness.js';
import { fuzz } from './run.js';

test('what is refused changes nothing, when everybody may do everything', async (t) => {
  const subject = await startSubject(t, 'nothing');
  let refused = false;
  let changes = 0;
  let cases = 0;
  await fuzz(t, {
    subject,
    cases: 3_000,
    // One at a time: it must be known who changed what.
    atOnce: 1,
    case: soundCase,
    check(fuzzed, exchange) {
      cases++;
      const answers = checkAnswers(fuzzed, exchange);
      refused = isRefused(fuzzed, answers);
    },
    checkState(before, after) {
      if (refused) checkSame(before, after);
      else if (after !== before) changes++;
    },
  });
  checkLog(subject.log(), subject.printed());
  // Otherwise nothing would be proved.
  assert.ok(changes > cases / 60, `only ${changes} of ${cases} cases changed something`);
  t.diagnostic(`${changes} cases changed something`);
});
