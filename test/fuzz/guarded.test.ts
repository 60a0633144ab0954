import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anyCase } from './cases.js';
import { checkAnswers, checkHidden, checkLog, checkSame } from './checks.js';
import { startSubject } from './harness.js';
import { fuzz } from './run.js';

for (const [guard, cases] of [
  ['changes', 10_000],
  ['reads', 8_000],
] as const) {
  test(`without a token nothing changes, and nothing is told, when ${guard} need one`, async (t) => {
    const subject = await startSubject(t, guard);
    await fuzz(t, {
      subject,
      cases,
      atOnce: 30,
      case: anyCase,
      check(fuzzed, exchange) {
        checkAnswers(fuzzed, exchange);
        if (guard === 'reads') checkHidden(exchange);
      },
      checkState: checkSame,
    });
    checkLog(subject.log(), subject.printed());
    assert.ok(!subject.hasEnded);
  });
}
