import fc from 'fast-check';
import { apply, oneServer, seconds, type Action, type History } from './actions.js';
import { Violation, type Invariant } from './invariants.js';
import { World, type Faults } from './world.js';

/** What came of a history. */
export interface Verdict {
  readonly violation: Violation | undefined;
  /** Why an operator had to act, if so. */
  readonly majorityLost: string | undefined;
}

/** Runs a history from its first start to the end of its quiet time. */
export function run(
  { setup, starts, actions }: History,
  faults: Faults = {},
  trace?: (line: string) => void,
): Verdict {
  const world = new World(setup, faults, trace);
  try {
    world.begin(starts);
    world.schedule.runUntil(world.now + Math.max(...starts));
    for (const action of actions) {
      world.schedule.runUntil(world.now + action.after);
      apply(world, action);
    }
    world.heal();
    return { violation: undefined, majorityLost: world.invariants.majorityLost };
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    return { violation: error, majorityLost: world.invariants.majorityLost };
  }
}

export interface Failure {
  readonly violation: Violation;
  readonly seed: number;
  /** Histories until the first that failed, it included. */
  readonly histories: number;
  readonly shortest: History;
}

export interface Search {
  readonly seed: number;
  readonly runs: number;
  /** Default: one server. */
  readonly histories?: fc.Arbitrary<History>;
  readonly faults?: Faults;
  /** Only violations of these count. */
  readonly invariants?: readonly Invariant[];
  /** Whether to look for the shortest history that fails, rather than be content with the first. */
  readonly shrinks?: boolean;
  readonly each?: (verdict: Verdict) => void;
}

/** Runs random histories until one fails, and shrinks that. */
export function search({
  seed,
  runs,
  histories = oneServer,
  faults = {},
  invariants,
  shrinks = true,
  each,
}: Search): Failure | undefined {
  const details = fc.check(
    fc.property(histories, (one) => {
      const verdict = run(one, faults);
      each?.(verdict);
      return (
        verdict.violation === undefined ||
        (invariants !== undefined && !invariants.includes(verdict.violation.invariant))
      );
    }),
    { seed, numRuns: runs, endOnFailure: !shrinks },
  );
  if (!details.failed) return undefined;
  const shortest = details.counterexample?.[0];
  const violation = shortest && run(shortest, faults).violation;
  if (!shortest || !violation) {
    throw new Error(`the search itself failed: ${String(details.errorInstance)}`);
  }
  return { violation, seed, histories: details.numRuns, shortest };
}

/** A failure for people: the history, then what happened in it. */
export function tell({ violation, seed, histories, shortest }: Failure, faults: Faults = {}): string {
  const trace: string[] = [];
  run(shortest, faults, (line) => trace.push(line));
  return [
    violation.message,
    `found in history ${histories} of SIMULATION_SEED=${seed}; the shortest history that shows it:`,
    `  ${tellHistory(shortest).join('\n  ')}`,
    `as data: ${JSON.stringify(shortest)}`,
    'what happened:',
    ...trace.slice(-60),
  ].join('\n');
}

export function tellHistory({ setup, starts, actions }: History): string[] {
  const { expect, ids, retries, salt, replicas, reads, agents, moving, slow = 0 } = setup;
  return [
    `${starts.length} node(s) start at ${starts.map(seconds).join(', ')}; expect=${expect ?? 'none'}, ` +
      `${ids ? 'with' : 'without'} id, ${retries} tries, salt ${salt}, ` +
      (reads ? 'reads the nodes, ' : '') +
      (agents ? 'with agents, ' : '') +
      (slow > 0 ? `slow by ${seconds(slow)}, ` : '') +
      (moving ? 'put by an operator, ' : '') +
      (replicas > 0 ? `${replicas} server(s) on one database` : 'one server'),
    ...actions.map((action) => `${seconds(action.after)} later: ${tellAction(action)}`),
  ];
}

function tellAction({ type, after: _after, ...rest }: Action): string {
  const details = Object.entries(rest).map(([name, value]) => `${name}=${String(value)}`);
  return [type, ...details].join(' ');
}
