import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { examined, type Examination } from '../../src/doctor/examination.js';
import { FINISH_AFTER_MS, stepsToFinish } from '../../src/doctor/removal.js';
import type { NodeView } from '../../src/doctor/node-view.js';
import { paceOf } from '../../src/doctor/schedule.js';
import type { RecordedEvent } from '../../src/registry/events.js';
import { describe as viewed } from '../../src/registry/view.js';
import { A, B, RuleHarness, C, D } from '../registry/harness.js';

const voter = (address: string): string => address.replace('8848', '7848');

/** Three bootstrapped, and C left; the leader A has it as a voter still, for so long. */
function afterLeave(
  since: number,
  voters = [A, B, C],
): { harness: RuleHarness; last: Examination; events: RecordedEvent[] } {
  const harness = new RuleHarness().bootstrap(A, B, C);
  harness.do({ type: 'leave', address: C });
  harness.pass(20_000, [A, B]);
  const group = { leader: voter(A), term: 2, voters: voters.map(voter) };
  const readings = [A, B].map((address): NodeView => ({
    address,
    version: '2.5.1',
    members: [A, B],
    groups: new Map([['one', group]]),
  }));
  const { cluster, now, rules } = harness;
  const view = viewed(cluster, { now, rules, graceUntil: 0 });
  const first = examined(view, readings, 1_000, 0, undefined);
  const last = examined(view, readings, 1_000, since, first);
  const events = harness.events.map((event, seq): RecordedEvent => ({ ...event, seq, time: seq })).reverse();
  return { harness, last, events };
}

const finish = async (
  { harness, last, events }: ReturnType<typeof afterLeave>,
  dead: readonly string[] = [C],
  elsewhere: readonly string[] = [],
): Promise<string[]> => {
  const { steps } = await stepsToFinish(
    harness.cluster,
    last,
    1_000,
    () => Promise.resolve(events),
    (address) =>
      harness.cluster.members.has(address) ||
      harness.cluster.waiting.has(address) ||
      elsewhere.includes(address),
    () => Promise.resolve(new Set(dead.map(voter))),
  );
  return steps.map(({ command, node, group, value }) => `${command} ${value} ${node} ${group}`);
};

describe('what left the list and is a voter still', () => {
  it('is removed when Nacos has had its time for that', async () => {
    assert.deepEqual(await finish(afterLeave(FINISH_AFTER_MS - 1)), []);
    assert.deepEqual(await finish(afterLeave(FINISH_AFTER_MS)), [`removePeer ${voter(C)} ${A} one`]);
    assert.deepEqual(await finish(afterLeave(FINISH_AFTER_MS, [A, B])), [], 'Raft has let go of it');
  });

  it('is left alone when it waits again, is listed again, or the list is another by now', async () => {
    const again = afterLeave(FINISH_AFTER_MS);
    again.harness.poll(C, { connectedAt: again.harness.now });
    assert.deepEqual(again.harness.list, [A, B, C]);
    assert.deepEqual(await finish(again), []);
    const other = afterLeave(FINISH_AFTER_MS);
    other.harness.poll(D);
    assert.deepEqual(await finish(other), []);
  });

  it('is left alone when the history does not say that it left: it may be another’s', async () => {
    assert.deepEqual(await finish(afterLeave(FINISH_AFTER_MS, [A, B, D])), []);
    const forgotten = { ...afterLeave(FINISH_AFTER_MS), events: [] };
    assert.deepEqual(await finish(forgotten), []);
  });

  it('is left alone while it lives, in another cluster here, or on its leader’s own list: that goes by another', async () => {
    assert.deepEqual(await finish(afterLeave(FINISH_AFTER_MS), []), []);
    assert.deepEqual(await finish(afterLeave(FINISH_AFTER_MS), [C], [C]), []);
    const { last, ...rest } = afterLeave(FINISH_AFTER_MS);
    const groups = last.diagnosis.groups.map((group) => ({
      ...group,
      leader: group.leader && { ...group.leader, members: [A, B, C] },
    }));
    assert.deepEqual(
      await finish({ ...rest, last: { ...last, diagnosis: { ...last.diagnosis, groups } } }),
      [],
    );
  });

  it('is left alone while its group has no leader, or the majority is lost', async () => {
    const unled = afterLeave(FINISH_AFTER_MS, [A, C, D]);
    assert.deepEqual(await finish(unled), []);
    const lost = afterLeave(FINISH_AFTER_MS);
    lost.harness.pass(20_000, [A]);
    assert.ok(lost.harness.cluster.quorumLost);
    assert.deepEqual(await finish(lost), []);
  });
});

describe('how often nodes are read', () => {
  const quiet = (): RuleHarness => {
    const harness = new RuleHarness().bootstrap(A, B, C);
    harness.pass(120_000, [A, B, C]);
    return harness;
  };

  it('is seldom when all is quiet, often after a change, most often after a leave, less when none can be read', () => {
    const harness = quiet();
    assert.equal(paceOf(harness.cluster, harness.now, 0, false), 30_000);
    assert.equal(paceOf(harness.cluster, harness.now, 0, true), 3_000);
    assert.deepEqual(
      [1, 2, 9].map((blind) => paceOf(harness.cluster, harness.now, blind, false)),
      [60_000, 120_000, 120_000],
      'dead addresses are left so for longer',
    );
    harness.poll(D);
    assert.equal(paceOf(harness.cluster, harness.now, 0, false), 3_000);
    assert.deepEqual(
      [1, 2, 9].map((blind) => paceOf(harness.cluster, harness.now, blind, false)),
      [6_000, 12_000, 30_000],
    );
    harness.do({ type: 'leave', address: D });
    assert.equal(paceOf(harness.cluster, harness.now, 0, false), 1_000);
  });

  it('is less for a large cluster', () => {
    const harness = new RuleHarness();
    harness.do({
      type: 'put',
      addresses: Array.from({ length: 1_000 }, (_, i) => `10.0.${i >> 8}.${i & 255}:8848`),
    });
    assert.equal(paceOf(harness.cluster, harness.now, 0, true), 20_000);
  });
});
