import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { History } from './simulation/actions.js';
import { oneServer, severalServers } from './simulation/actions.js';
import { askedFor } from './simulation/asked.js';
import { withBlindServers, type Lack } from './simulation/blind.js';
import { run, search, tell } from './simulation/run.js';

/*
 * Histories in which a server is deaf, or cannot probe, while it takes itself for well: docs/internals/rules.md, "Could it be us?".
 * SIMULATION_RUNS and SIMULATION_SEED as in simulation.test.ts.
 */

const { seed: SEED, alone, several } = askedFor('60:15');

for (const { kind, histories, runs } of [
  { kind: 'one server', histories: oneServer, runs: alone },
  { kind: 'several servers', histories: severalServers, runs: several },
]) {
  it(`no history with ${kind} that now and then reaches nobody harms a cluster (${runs} histories)`, () => {
    const failure = search({ seed: SEED, runs, histories: withBlindServers(histories) });
    if (failure) assert.fail(tell(failure));
  });
}

/** One node's polls are lost on their way, and its port is open; the server that would find that out lacks something. */
function falselySilent(lack: Lack): readonly History[] {
  return Array.from({ length: 20 }, (_, salt) => ({
    setup: {
      expect: 3,
      ids: false,
      retries: 200,
      salt,
      replicas: 0,
      blinds: [{ who: 0, from: 35_000, lasts: 200_000, lack }],
    },
    starts: [0, 0, 0],
    actions: [
      { type: 'cut', after: 40_000, who: 2, cut: 'polls', lasts: 150_000 },
      { type: 'balance', after: 140_000 },
    ],
  }));
}

describe('a server that takes whatever it cannot reach for dead', () => {
  for (const lack of ['drops', 'refuses'] as const) {
    it(`is noticed when it ${lack} what it sends, and harms nobody as it is`, () => {
      const histories = falselySilent(lack);
      assert.ok(histories.every((one) => run(one).violation === undefined));
      const caught = histories.filter(
        (one) => run(one, { ignoresControl: true }).violation?.invariant === 'live-member-dropped',
      );
      assert.equal(caught.length, histories.length);
    });
  }

  it('is noticed in random histories, too', () => {
    const failure = search({
      seed: 7,
      runs: 4_000,
      histories: withBlindServers(oneServer),
      faults: { ignoresControl: true },
      invariants: ['live-member-dropped'],
      shrinks: false,
    });
    assert.ok(failure, 'not noticed');
  });
});
