import assert from 'node:assert/strict';
import fc, { type Arbitrary } from 'fast-check';
import type { TestContext } from 'node:test';
import { ask } from '../support/raw.js';
import { bytesOf, piecesOf, type Case } from './cases.js';
import type { Subject } from './harness.js';
import { send, type Exchange } from './send.js';

/** The same in each run, unless another is asked for; a failure prints it. */
const SEED = Number(process.env.FUZZ_SEED ?? 20_261_124);

/** Multiplies the number of cases. */
const FACTOR = Number(process.env.FUZZ_FACTOR ?? 1);

/** Runs between two looks at how many cases there were. */
const RUNS = 50;

/** The part of the wanted cases that must be answered, or little would be proved. Others hang up early, or break off. */
const ANSWERED = 0.75;

/** How many times the wanted cases are sent at most until so many are: on a busy machine fewer are answered in their time. */
const MOST = 4;

/** What may be left in memory: parts of the runtime warm up late, and compiled code stays. */
const LEFT = 3 << 20;

/** Cases after which the runtime is warm enough to judge that; fewer say nothing of it. */
const WARM = 1_000;

export interface Fuzz {
  readonly subject: Subject;
  /** Cases at least. */
  readonly cases: number;
  /** Cases that are sent at the same time. */
  readonly atOnce: number;
  readonly case: Arbitrary<Case>;
  /** Throws what is wrong with what came back. */
  check(fuzzed: Case, exchange: Exchange): void;
  /** After each group, with the state before it and now. */
  checkState(before: string, after: string): void;
}

/** Sends at least so many cases in groups. Fails with the seed and the shortest group that does it. */
export async function fuzz(t: TestContext, options: Fuzz): Promise<void> {
  const { subject, atOnce } = options;
  const wanted = Math.ceil(options.cases * FACTOR);
  const group = fc.array(options.case, { minLength: 1, maxLength: atOnce, size: 'max' });
  let sent = 0;
  let answered = 0;
  let heapBefore: number | undefined;
  const isEnough = (): boolean => sent >= wanted && answered >= wanted * ANSWERED;
  for (let round = 0; !isEnough() && sent < wanted * MOST; round++) {
    const seed = SEED + round;
    let before = await subject.state();
    const details = await fc.check(
      fc.asyncProperty(group, async (cases) => {
        sent += cases.length;
        const exchanges = await Promise.all(cases.map((one) => send(subject, one)));
        const after = await subject.state();
        answered += exchanges.filter(({ received }) => received !== '').length;
        const [was, now] = [before, after];
        before = after;
        for (const [i, one] of cases.entries()) options.check(one, exchanges[i]!);
        options.checkState(was, now);
        const alive = await ask(subject, 'GET', '/healthz');
        assert.equal(alive.status, 200);
      }),
      { seed, numRuns: RUNS },
    );
    if (details.failed) {
      const [cases] = details.counterexample ?? [[]];
      throw new Error(
        `seed ${seed} (FUZZ_SEED=${seed}), shrunk ${details.numShrinks} times: ${String(details.errorInstance)}\n` +
          cases.map(describe).join('\n'),
        { cause: details.errorInstance },
      );
    }
    if (sent >= Math.max(WARM, wanted / 4)) heapBefore ??= await subject.heap();
  }
  const part = Math.round((answered / sent) * 100);
  const left = heapBefore === undefined ? undefined : (await subject.heap()) - heapBefore;
  const memory =
    left === undefined
      ? 'too few to judge the memory'
      : `${(left / 1e6).toFixed(2)} MB more in use than when it was warm`;
  t.diagnostic(`${sent} cases from seed ${SEED}, ${part} % answered; ${memory}`);
  assert.ok(
    isEnough(),
    `only ${answered} of ${sent} cases were answered, and ${wanted * ANSWERED} are wanted`,
  );
  assert.ok(left === undefined || left < LEFT, `${memory}, ${sent} cases`);
}

/** Only the start of what is long: the seed brings back the rest. */
function describe(fuzzed: Case): string {
  const { from, pieces, end } = fuzzed.delivery;
  const text = bytesOf(fuzzed);
  const sent = pieces === 'every byte' ? [text] : piecesOf(text, pieces);
  const how = pieces === 'every byte' ? 'byte by byte' : `in ${sent.length} piece(s)`;
  const shown = sent.map((piece) => {
    const start = JSON.stringify(piece.slice(0, 2_000));
    return piece.length > 2_000 ? `${start} … ${piece.length} bytes` : start;
  });
  return `from ${from}, ${how}, then ${end}:\n  ${shown.join('\n  ')}`;
}
