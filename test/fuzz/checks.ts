import assert from 'node:assert/strict';
import { readAnswers, type Answer } from './answers.js';
import type { Case } from './cases.js';
import type { Exchange } from './send.js';
import { HIDDEN, RIGHT_TOKEN, WRONG_TOKEN } from './values.js';

/** The only ones that this server means: not now, and no room. */
const MEANT = new Set([503, 507]);

/** Where a Nacos node is sent, so that its log says why. */
const REASON =
  /^http:\/\/nacos-address-server\.invalid:nacos-address-server says: [^/\\?#@[\]\x00-\x1f\x7f-\xff]*$/;

/** In every form in which a token is sent. */
const TOKENS = [RIGHT_TOKEN, WRONG_TOKEN].flatMap((token) => [
  token,
  Buffer.from(`admin:${token}`).toString('base64').slice(0, 30),
]);

/** Whatever is sent, and however: what is answered has these properties. Throws what is wrong. */
export function checkAnswers(fuzzed: Case, { sent, received }: Exchange): Answer[] {
  // Damaged, one request may have become two, or a token something else.
  if (fuzzed.damage.length > 0) {
    for (const [line, status] of received.matchAll(/HTTP\/1\.1 (5\d\d) [A-Z]/g)) {
      assert.ok(MEANT.has(Number(status)) || sent.includes(line), `an answer is ${status}`);
    }
    return [];
  }
  const answers = readAnswers(
    received,
    fuzzed.requests.map(({ method }) => method),
  );
  for (const { status, headers, body, complete } of answers) {
    assert.ok(status >= 200 && status < 600);
    assert.ok(status < 500 || MEANT.has(status), `an answer is ${status}: ${body}`);
    assert.ok(!headers.has('x-powered-by') && !headers.has('x-injected') && !headers.has('set-cookie'));
    assert.ok(!headers.has('access-control-allow-origin'), 'another site may read it');
    const location = headers.get('location');
    // No client can read a port of it, or another host (unterminated.ts).
    assert.ok(location === undefined || (!complete && REASON.test(location)), `it leads to ${location}`);
    if (complete && body !== '' && /json\b/.test(headers.get('content-type') ?? '')) JSON.parse(body);
  }
  const [first] = answers;
  const { method, isNacos } = fuzzed.requests[0] ?? {};
  if (isNacos && method === 'GET' && first && first.status >= 300 && !isForAll(fuzzed)) {
    assert.ok(!first.complete, `a complete ${first.status} to a Nacos node: ${first.body}`);
  }
  for (const token of TOKENS) assert.ok(!received.includes(token), 'a token comes back');
  return answers;
}

/** Probes of platforms read the status, whatever they call themselves. */
function isForAll({ requests: [first] }: Case): boolean {
  return /^(?:[a-z]+:\/\/[^/]*)?\/(?:healthz|readyz)(?:$|[?#])/i.test(first?.target ?? '');
}

/** Whoever may not read learns no name. */
export function checkHidden({ received }: Exchange): void {
  for (const secret of [HIDDEN.product, HIDDEN.name, HIDDEN.address]) {
    assert.ok(!received.includes(secret), `${secret} is told to somebody without a token`);
  }
}

/** Whether the answers say that nothing was done. */
export function isRefused(fuzzed: Case, answers: readonly Answer[]): boolean {
  return (
    fuzzed.damage.length === 0 &&
    answers.length === fuzzed.requests.length &&
    answers.every(({ status, complete }) => complete && ((status >= 400 && status < 500) || status === 507))
  );
}

/** Fails with the first line of the state that changed, and where it stands. */
export function checkSame(before: string, after: string): void {
  if (before === after) return;
  const [was, is] = [before.split('\n'), after.split('\n')];
  const at = was.findIndex((line, i) => line !== is[i]);
  const around = (lines: readonly string[]): string => lines.slice(Math.max(0, at - 8), at + 4).join('\n');
  assert.fail(`something changed:\n${around(was)}\n--- is now\n${around(is)}`);
}

/** What is in the log and beside it when all is over. */
export function checkLog(log: string, printed: string): void {
  assert.equal(printed, '', 'node warned of something');
  for (const token of TOKENS) assert.ok(!log.includes(token), 'a token is in the log');
  for (const line of log.split('\n').filter((text) => text !== '')) {
    const { level, msg } = JSON.parse(line) as { level: number; msg: string };
    assert.ok(level < 50, `an error was logged: ${msg} ${line}`);
    assert.doesNotMatch(line, /[\x00-\x1f\x7f-\x9f\u2028\u2029]/, 'a control character is in the log');
  }
}
