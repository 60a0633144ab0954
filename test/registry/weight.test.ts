import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emptyCluster, type Cluster } from '../../src/registry/cluster.js';
import { decide, type Command, type Context } from '../../src/registry/decide.js';
import { DEFAULT_RULES, MAX_ADDRESSES } from '../../src/registry/rules.js';
import { describe as viewOf } from '../../src/registry/view.js';

/*
 * No decision may hold the event loop for long, whatever is asked of however large a list. Machines differ, so it is
 * not the time that is judged but how it grows: four times as many addresses may take four times as long, with some
 * room for noise, and not sixteen times.
 */

const FEW = MAX_ADDRESSES / 4;
const GROWTH = 9;

/** Below this many milliseconds of CPU nothing is to be told of growth. */
const NOTHING = 2;

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Names for fresh addresses, so that nothing is remembered of an earlier run. */
let network = 0;
const addresses = (count: number): string[] => {
  const prefix = (++network).toString(16);
  return range(count).map((i) => `[2001:db8:${prefix}::${(i + 1).toString(16)}]:8848`);
};

const context = (now: number): Context => ({ now, rules: DEFAULT_RULES, graceUntil: 0, clusters: 0 });

const none = (): Cluster => emptyCluster({ product: 'nacos', name: 'serverlist' });

function after(cluster: Cluster, command: Command, now: number): Cluster {
  return decide(cluster, command, context(now)).cluster;
}

const listOf = (count: number): Cluster => after(none(), { type: 'put', addresses: addresses(count) }, 1);

/** Half of them joined only just. */
const unsettled = (count: number): Cluster =>
  after(listOf(count / 2), { type: 'put', addresses: addresses(count / 2) }, 2);

function refuse(cluster: Cluster, open: boolean): Cluster {
  for (const { lease } of cluster.members.values()) lease.refusedAt = open ? -1 : 3;
  return cluster;
}

/** Half of them wait while no majority lives; then all do. */
function held(count: number): Cluster {
  let cluster = refuse(listOf(count / 2), false);
  for (const address of addresses(count / 2)) {
    cluster = after(cluster, { type: 'poll', address, source: 'poll', connectedAt: 0 }, 5);
  }
  return refuse(cluster, true);
}

/** Each makes what is measured: a run that has its own cluster, of so many addresses. */
const CASES: Readonly<Record<string, (count: number) => () => unknown>> = {
  'a put that bootstraps': (count) => {
    const command: Command = { type: 'put', addresses: addresses(count) };
    return () => after(none(), command, 1);
  },
  'a put onto a list': (count) => {
    const [cluster, command] = [
      listOf(count / 2),
      { type: 'put', addresses: addresses(count / 2) } satisfies Command,
    ];
    return () => after(cluster, command, 2);
  },
  'a put that is refused for its last address': (count) => {
    const wanted = addresses(count - 1);
    const twice = (wanted[0] ?? '').replace('2001:db8:', '2001:0db8:');
    return () => {
      const { reply } = decide(none(), { type: 'put', addresses: [...wanted, twice] }, context(1));
      assert.equal(reply.type, 'refused');
    };
  },
  'a poll of a stranger': (count) => {
    const [cluster, [address = '']] = [listOf(count - 1), addresses(1)];
    return () => after(cluster, { type: 'poll', address, source: 'poll', connectedAt: 0 }, 2);
  },
  'a delete of all': (count) => {
    const cluster = listOf(count);
    return () => after(cluster, { type: 'delete', addresses: [...cluster.members.keys()] }, 2);
  },
  'an adoption': (count) => {
    const cluster = listOf(count);
    for (const { lease } of cluster.members.values()) lease.heardAt = 2;
    return () => after(cluster, { type: 'adopt' }, 3);
  },
  'a tick with many that joined only just': (count) => {
    const cluster = unsettled(count);
    return () => after(cluster, { type: 'tick' }, 1_000);
  },
  'a tick that opens the gate for many': (count) => {
    const cluster = held(count);
    return () => after(cluster, { type: 'tick' }, 6);
  },
  'a tick with many dead': (count) => {
    let cluster = listOf(count);
    for (const { lease } of cluster.members.values()) lease.heardAt = 2;
    cluster = after(cluster, { type: 'adopt' }, 3);
    const dead = { heardAt: 3, refusedAt: 95_000, failedAt: 95_000, probedAt: 95_000 };
    for (const [i, { lease }] of [...cluster.members.values()].entries()) {
      Object.assign(
        lease,
        i % 3 === 0 ? dead : { heardAt: 99_000, polls: true, delivered: cluster.revision },
      );
    }
    return () => after(cluster, { type: 'tick' }, 100_000);
  },
  'a view of all': (count) => {
    const cluster = unsettled(count);
    return () => viewOf(cluster, context(1_000));
  },
};

/** CPU time in milliseconds, of the quickest of some runs, each on what was made for it alone. */
function cost(make: () => () => unknown): number {
  const times = range(5).map(() => {
    const run = make();
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  });
  return Math.min(...times);
}

describe('The work of a decision grows as the list does', () => {
  for (const [name, make] of Object.entries(CASES)) {
    it(name, () => {
      // The process's other threads count, too: a measure that they spoilt is taken once more. Work that grows with
      // the square fails each time.
      const sentences: string[] = [];
      for (let tries = 0; tries < 5; tries++) {
        const few = cost(() => make(FEW));
        const many = cost(() => make(MAX_ADDRESSES));
        if (many < GROWTH * Math.max(few, NOTHING)) return;
        sentences.push(`${FEW}: ${few.toFixed(1)} ms of CPU; ${MAX_ADDRESSES}: ${many.toFixed(1)} ms`);
      }
      assert.fail(sentences.join('\n'));
    });
  }

  it('and so does no sentence about it', () => {
    const command: Command = { type: 'put', addresses: addresses(MAX_ADDRESSES) };
    const { events } = decide(none(), command, context(1));
    const longest = Math.max(...events.map(({ reason }) => reason.length));
    assert.ok(longest < 1_000, `an event's reason has ${longest} characters`);
  });
});
