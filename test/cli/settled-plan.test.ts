import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settledPlan } from '../../src/cli/doctor/repair.js';
import type { RepairPlan } from '../../src/doctor/plan.js';

const EMPTY: RepairPlan = { id: 'a', steps: [], dataLossRisks: [], manualSteps: [] };

/** What is made of plans that are given one after the other: the last one that was asked for, and what was told. */
async function settle(...plans: readonly RepairPlan[]): Promise<{ plan: RepairPlan; told: string[] }> {
  const left = [...plans];
  const told: string[] = [];
  const plan = await settledPlan(
    () => Promise.resolve(left.shift() ?? EMPTY),
    (why) => Promise.resolve(void told.push(why)),
  );
  return { plan, told };
}

test('a plan is waited for while what stands against it may pass, which is told once', async () => {
  const passing = { ...EMPTY, refused: 'an election', isPassing: true } as const;
  const { plan, told } = await settle(passing, passing, { ...EMPTY, id: 'b' });
  assert.deepEqual([plan.id, told], ['b', ['an election']]);
});

test('nobody waits for what does not pass by itself', async () => {
  const refused = { ...EMPTY, refused: 'it cannot be read' };
  const { plan, told } = await settle(refused, EMPTY);
  assert.deepEqual([plan, told], [refused, []]);
});
