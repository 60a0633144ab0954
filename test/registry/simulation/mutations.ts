import { majority, joined, type Cluster, type Member } from '../../../src/registry/cluster.js';
import { decide, type Command, type Context, type Outcome } from '../../../src/registry/decide.js';
import { isLive, isUnreachable, silence } from '../../../src/registry/lease.js';
import { lacking } from '../../../src/registry/quorum.js';
import type { History } from './actions.js';
import type { Invariant } from './invariants.js';
import type { Faults } from './world.js';

/** A rule broken on purpose, in the simulated world only, and the invariants that may notice. */
export interface Mutation {
  readonly name: string;
  readonly faults: Faults;
  readonly caughtBy: readonly Invariant[];
  /** Histories made for it, where random ones hardly ever meet its moment: the same one with other chances. */
  readonly directed?: readonly History[];
}

/** Two newcomers wait while the only member is away, and it returns: all three elect at the same time. */
const TWO_WAIT: readonly History[] = Array.from({ length: 200 }, (_, salt) => ({
  setup: { expect: undefined, ids: false, retries: 200, salt, replicas: 0 },
  starts: [0],
  actions: [
    { type: 'crash', after: 25_000, who: 0, host: false },
    { type: 'start', after: 1_000 },
    { type: 'start', after: 100 },
    { type: 'restart', after: 5_000, who: 0, keepsData: true },
  ],
}));

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'serve an empty list in place of "not yet"',
    faults: { emptyList: true },
    caughtBy: ['disjoint-groups'],
  },
  {
    name: 'drop a member on one missed poll',
    faults: afterwards((cluster, context) =>
      dropIf(cluster, (member) => silence(member, context.now) > 7_000),
    ),
    caughtBy: ['live-member-dropped', 'evicted-without-majority'],
  },
  {
    name: 'admit without a live majority',
    faults: afterwards((cluster, context) => admitOne(cluster, context)),
    caughtBy: ['joined-without-majority', 'disjoint-groups'],
  },
  {
    name: 'evict whoever is down at once',
    faults: afterwards((cluster, context) => {
      const live = [...cluster.members.values()].filter((member) =>
        isLive(member, context.rules, context.now),
      );
      if (live.length < majority(cluster.members.size)) return cluster;
      return dropIf(cluster, (member) => member.presence === 'down');
    }),
    caughtBy: ['not-whole-in-the-end', 'leaderless'],
  },
  {
    name: 'found before `expect` is met',
    faults: {
      decide: (cluster, command, context) =>
        decide(cluster, command.type === 'poll' ? { ...command, expect: undefined } : command, context),
    },
    caughtBy: ['founded-too-small'],
  },
  {
    name: 'admit all who wait at once',
    faults: afterwards((cluster, context) => {
      const live = [...cluster.members.values()].filter((member) =>
        isLive(member, context.rules, context.now),
      );
      let next = cluster;
      if (live.length < majority(cluster.members.size)) return cluster;
      while (next.members.size > 0 && next.waiting.size > 0) next = admitOne(next, context);
      return next;
    }),
    directed: TWO_WAIT,
    caughtBy: ['disjoint-groups'],
  },
  {
    name: 'a leave is not quiet',
    faults: afterwards((cluster) =>
      cluster.departed.size > 0 ? { ...cluster, departed: new Map() } : cluster,
    ),
    caughtBy: ['left-and-listed'],
  },
  {
    name: 'evict while another member has just died',
    faults: afterwards((cluster, context) => {
      const { rules, now, graceUntil } = context;
      const live = [...cluster.members.values()].filter((member) => isLive(member, rules, now));
      if (now < graceUntil || live.length < majority(cluster.members.size)) return cluster;
      if (lacking(cluster, cluster.revision, context).length > 0) return cluster;
      return dropIf(
        cluster,
        (member) => isUnreachable(member, rules, now) && silence(member, now) >= rules.evictAfter,
      );
    }),
    caughtBy: ['not-whole-in-the-end', 'leaderless'],
  },
];

/** What the rules decided, and then something that they would not. */
function afterwards(change: (cluster: Cluster, context: Context) => Cluster): Faults {
  return {
    decide(cluster: Cluster, command: Command, context: Context): Outcome {
      const outcome = decide(cluster, command, context);
      const changed = change(outcome.cluster, context);
      if (changed === outcome.cluster) return outcome;
      const isListed = command.type === 'poll' && changed.members.has(command.address);
      return { ...outcome, cluster: changed, reply: isListed ? { type: 'listed' } : outcome.reply };
    },
  };
}

function dropIf(cluster: Cluster, isDropped: (member: Member) => boolean): Cluster {
  const gone = [...cluster.members.values()].find(isDropped);
  if (!gone) return cluster;
  const members = new Map(cluster.members);
  members.delete(gone.address);
  return { ...cluster, members, revision: cluster.revision + 1 };
}

function admitOne(cluster: Cluster, { now }: Context): Cluster {
  const first = [...cluster.waiting.values()][0];
  if (!first || cluster.members.size === 0) return cluster;
  const waiting = new Map(cluster.waiting);
  waiting.delete(first.address);
  const revision = cluster.revision + 1;
  const member = joined(first, revision, false, now);
  return {
    ...cluster,
    waiting,
    revision,
    changedAt: now,
    members: new Map(cluster.members).set(member.address, member),
  };
}
