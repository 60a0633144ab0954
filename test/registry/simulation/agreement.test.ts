import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import {
  LIST_CURRENT,
  REPLICA_FRESH,
  REPLICA_LOST_AFTER,
  SILENT_UNTOLD,
} from '../../../src/registry/rules.js';
import { AgreementModel, explore, REAL, type Agreement, type Bounds } from './agreement-model.js';

/*
 * Every state of the servers' agreement within these bounds (docs/internals/agreement.md). Cuts, lost answers and pauses are without
 * bounds. Run by `npm run test:simulation`; AGREEMENT_STATES=20000000 looks at so many states of larger bounds.
 */

const MOST = Number(process.env.AGREEMENT_STATES ?? 0);

const ONE: Bounds = {
  servers: 2,
  changes: 1,
  crashes: 0,
  leaves: 0,
  setBacks: 0,
  slowDecisions: false,
  node: 'x',
  givesUp: true,
  decisions: 'any',
};

const WHOLE: readonly Bounds[] = [
  { ...ONE, slowDecisions: true },
  { ...ONE, node: 'j' },
  { ...ONE, changes: 2, givesUp: false },
  { ...ONE, changes: 2, givesUp: false, node: 'j' },
  { ...ONE, crashes: 1, decisions: 'leave', givesUp: false },
  { ...ONE, leaves: 1, decisions: 'leave' },
  { ...ONE, setBacks: 1, decisions: 'leave', givesUp: false },
];

const LARGE: readonly Bounds[] = [
  { ...ONE, changes: 2, slowDecisions: true },
  { ...ONE, changes: 2, node: 'j' },
  { ...ONE, changes: 2, crashes: 1 },
  { ...ONE, changes: 2, setBacks: 1, givesUp: false },
  { ...ONE, setBacks: 1 },
  { ...ONE, servers: 3 },
];

interface Mutation {
  readonly name: string;
  readonly bounds: Bounds;
  readonly rules: Partial<Agreement>;
  readonly caughtBy: RegExp;
}

const MUTATIONS: readonly Mutation[] = [
  {
    name: '1: release without one’s own promise',
    bounds: ONE,
    rules: { countsItself: false },
    caughtBy: /^I1/,
  },
  {
    name: '2: be alone beside one that was given up',
    bounds: ONE,
    rules: { remembersRevoked: false },
    caughtBy: /^I1/,
  },
  {
    name: '2: be alone beside one that took its leave, and may be back',
    bounds: { ...ONE, leaves: 1, decisions: 'leave' },
    rules: { remembersLeft: false },
    caughtBy: /^I1/,
  },
  {
    name: '3: revoke by what was read before',
    bounds: ONE,
    rules: { comparesWhenRevoking: false },
    caughtBy: /^I1/,
  },
  {
    name: '4: release by what was read before',
    bounds: ONE,
    rules: { releasesInDatabase: false },
    caughtBy: /^I1/,
  },
  {
    name: '5: notice a lost change by its number alone',
    bounds: { ...ONE, changes: 2, setBacks: 1, givesUp: false, decisions: 'leave' },
    rules: { countsItsWrites: false },
    caughtBy: /^I[14]/,
  },
  {
    name: '5: keep what was read of a database that has lost it since',
    bounds: { ...ONE, changes: 2, setBacks: 1, givesUp: false },
    rules: { confirms: false },
    caughtBy: /^I/,
  },
  {
    name: '6: promise, and send the list before until the next exchange',
    bounds: ONE,
    rules: { holdsFirst: false },
    caughtBy: /^I1/,
  },
  {
    name: '7: send a joiner the newest of two changes',
    bounds: { ...ONE, changes: 2, givesUp: false, node: 'j' },
    rules: { mayJoin: () => true },
    caughtBy: /^I1/,
  },
  {
    name: '8: take a connection for a caller',
    bounds: ONE,
    rules: { knowsItsCaller: false },
    caughtBy: /^I1/,
  },
  {
    name: '9: do not look whether one was given up during an exchange',
    bounds: ONE,
    rules: { looksAfterwards: false },
    caughtBy: /^I1/,
  },
  {
    name: '9: enter anew and go on with what was read before',
    bounds: ONE,
    rules: { beginsAnew: false },
    caughtBy: /^I1/,
  },
  {
    name: 'give a server up before it has stopped',
    bounds: ONE,
    rules: { stopsInTime: false },
    caughtBy: /^I1/,
  },
  {
    name: 'release what all have seen',
    bounds: ONE,
    rules: { releasesWhatIsSeen: true },
    caughtBy: /^I1/,
  },
];

function told({
  servers,
  changes,
  crashes,
  leaves,
  setBacks,
  slowDecisions,
  node,
  givesUp,
  decisions,
}: Bounds): string {
  return (
    `${servers} servers, node ${node}, ${changes} change(s) (${decisions === 'any' ? 'a member leaves, one joins' : 'a member leaves'})` +
    `${slowDecisions ? ' in two steps' : ''}, ${crashes} crash(es), ${leaves} leave(s), ${setBacks} set-back(s), ` +
    (givesUp ? 'servers are given up' : 'no server is given up')
  );
}

function holds(t: TestContext, bounds: Bounds, most?: number): void {
  const started = process.cpuUsage();
  const { states, isWhole, broken } = explore(new AgreementModel(bounds), most === undefined ? {} : { most });
  const { user, system } = process.cpuUsage(started);
  assert.equal(broken, undefined, broken && [broken.why, ...broken.steps].join('\n'));
  assert.ok(isWhole || most !== undefined);
  t.diagnostic(
    `${states} states${isWhole ? ', all there are' : ''}, ${Math.round((user + system) / 1e5) / 10} s of CPU`,
  );
}

describe('the agreement of several servers', () => {
  for (const bounds of WHOLE) it(`holds: ${told(bounds)}`, (t) => holds(t, bounds));

  for (const bounds of MOST > 0 ? LARGE : []) {
    it(`holds in ${MOST} states: ${told(bounds)}`, (t) => holds(t, bounds, MOST));
  }

  for (const { name, bounds, rules, caughtBy } of MUTATIONS) {
    it(`is broken by: ${name}`, (t) => {
      const model = new AgreementModel(bounds, { ...REAL, ...rules });
      const { states, broken } = explore(model, { most: 3_000_000, progressEach: Infinity });
      assert.match(broken?.why ?? `nothing in ${states} states`, caughtBy);
      t.diagnostic(`${broken!.why}, after ${broken!.steps.length} steps and ${states} states`);
    });
  }

  it('stands on these inequalities', () => {
    const BETWEEN_REPORTS = 1_250;
    assert.ok(LIST_CURRENT + BETWEEN_REPORTS + 10_000 < REPLICA_LOST_AFTER);
    assert.ok(REPLICA_FRESH < SILENT_UNTOLD);
  });
});
