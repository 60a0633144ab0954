import { majority, joined, type Cluster, type Member } from '../../../src/registry/cluster.js';
import { decide, type Command, type Context, type Outcome } from '../../../src/registry/decide.js';
import type { RaftEvidence } from '../../../src/registry/evidence.js';
import { isLive, isUnreachable, NEVER, silence } from '../../../src/registry/lease.js';
import { lacking } from '../../../src/registry/quorum.js';
import { REPLACED_EVICT_AFTER } from '../../../src/registry/rules.js';
import type { Action, History } from './actions.js';
import type { Invariant } from './invariants.js';
import type { Faults } from './world.js';

/** A rule broken on purpose, in the simulated world only, and the invariants that may notice. */
export interface Mutation {
  readonly name: string;
  readonly faults: Faults;
  readonly caughtBy: readonly Invariant[];
  /** Histories made for it, where random ones hardly ever meet its moment: the same one with other chances. */
  readonly directed?: readonly History[];
  /** Whether it breaks what several servers owe each other. */
  readonly several?: boolean;
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

/** A history of several servers, with many chances of who is connected to whom. */
function several(
  setup: Pick<History['setup'], 'replicas' | 'expect'>,
  starts: readonly number[],
  actions: readonly Action[],
  count = 80,
): readonly History[] {
  return Array.from({ length: count }, (_, salt) => ({
    setup: { ...setup, ids: false, retries: 200, salt },
    starts,
    actions,
  }));
}

/** A server is cut off for so long that the others go on without it, and then the nodes move to it. */
const CUT_OFF = several(
  { replicas: 2, expect: 3 },
  [0, 0, 0],
  [
    { type: 'replica-cut', after: 40_000, who: 0, lasts: 290_000 },
    { type: 'start', after: 5_000 },
    ...Array.from({ length: 8 }, () => ({ type: 'balance' as const, after: 20_000 })),
  ],
);

/** A server is cut off in the moment in which the only other one is started anew, and the nodes move to it minutes later. */
const CUT_IN_A_RESTART = several(
  { replicas: 2, expect: 3 },
  [0, 0, 0],
  [
    { type: 'replica-restart', after: 40_000, who: 1, lasts: 3_000 },
    { type: 'replica-cut', after: 1_500, who: 0, lasts: 200_000 },
    ...Array.from({ length: 15 }, () => ({ type: 'balance' as const, after: 10_000 })),
    { type: 'leave', after: 0, who: 0, stopsAfter: 3_000, reconnects: false },
    ...Array.from({ length: 5 }, () => ({ type: 'balance' as const, after: 6_000 })),
  ],
);

/** A newcomer dies, and an operator takes it off before the others were sent the list with it, since a server is cut off. */
const TAKEN_OFF_UNSEEN = several(
  { replicas: 3, expect: 2 },
  [0, 8_069],
  [
    { type: 'replica-cut', after: 0, who: 0, lasts: 90_000 },
    { type: 'start', after: 0 },
    { type: 'crash', after: 15_000, who: 2, host: false },
    { type: 'dismiss', after: 32_000, who: 0, returns: false },
  ],
);

/** The database is down, a server is stopped meanwhile for longer, and nodes die whose last words it has. */
const STOPPED_IN_AN_OUTAGE = Array.from({ length: 20 }, (_, i) =>
  several(
    { replicas: 2, expect: undefined },
    [0, 0],
    [
      { type: 'database-down', after: 25_250, lasts: 60_251 },
      { type: 'crash', after: 0, who: 0, host: false },
      { type: 'replica-pause', after: 11_218 + 50 * i, who: 0, lasts: 56_545 },
      { type: 'move', after: 1_245, who: 0, host: false },
      { type: 'cut', after: 63_792, who: 0, cut: 'dark', lasts: 1_000 },
      { type: 'balance', after: 591 },
      { type: 'start', after: 1_890 },
    ],
    10,
  ),
).flat();

/** A dead member that falls due comes back just before, and asks a server that has been cut off for a while. */
const RETURNS_ELSEWHERE = several(
  { replicas: 2, expect: 3 },
  [0, 0, 0],
  [
    { type: 'crash', after: 40_000, who: 2, host: false },
    { type: 'replica-cut', after: 42_000, who: 0, lasts: 60_000 },
    { type: 'restart', after: 12_500, who: 0, keepsData: true },
    { type: 'start', after: 8_000 },
  ],
);

/** The same with a server that is cut off just then. */
const RETURNS_AS_IT_IS_CUT = several(
  { replicas: 2, expect: 3 },
  [0, 0, 0],
  [
    { type: 'crash', after: 40_000, who: 2, host: false },
    { type: 'replica-cut', after: 54_000, who: 0, lasts: 60_000 },
    { type: 'restart', after: 500, who: 0, keepsData: true },
    { type: 'start', after: 8_000 },
  ],
);

/** A server is cut off while a change is agreed on: at each moment of that. */
const CUT_IN_A_CHANGE = Array.from({ length: 24 }, (_, i) => 50 + 50 * i).flatMap((after) =>
  several(
    { replicas: 2, expect: 4 },
    [0, 0, 0, 0],
    [
      { type: 'leave', after: 60_000, who: 3, stopsAfter: 3_000, reconnects: false },
      { type: 'replica-cut', after, who: 0, lasts: 60_000 },
      ...Array.from({ length: 5 }, () => ({ type: 'balance' as const, after: 6_000 })),
    ],
    3,
  ),
);

/** A server that is cut off answers the only member, which is back, and is started anew before anybody else heard that. */
const HEARD_BY_ONE_THAT_DIES = several(
  { replicas: 3, expect: undefined },
  [0],
  [
    { type: 'crash', after: 17_000, who: 0, host: false },
    { type: 'replica-cut', after: 8_000, who: 0, lasts: 50_400 },
    { type: 'start', after: 25_000 },
    { type: 'restart', after: 22_000, who: 0, keepsData: true },
    { type: 'replica-crash', after: 3_500, who: 0, host: false, lasts: 100 },
    { type: 'balance', after: 60_000 },
  ],
);

/** Nobody reaches the database for a while, so the shared clock stands; two members die before the last does again. */
const DEAD_MEANWHILE = several(
  { replicas: 2, expect: 3 },
  [14_143, 2_440, 16_922],
  [
    { type: 'replica-crash', after: 901, who: 0, host: true, lasts: 47_989 },
    { type: 'replica-cut', after: 2_154, who: 1, lasts: 128_325 },
    { type: 'crash', after: 76_710, who: 2, host: true },
    { type: 'crash-leader', after: 14_792, host: false },
    { type: 'move', after: 2_955, who: 2, host: true },
    { type: 'restart', after: 1_416, who: 1, keepsData: true },
    { type: 'crash', after: 68_213, who: 2, host: false },
  ],
);

/** A server is stopped for 90 s and then cut off, a member that died meanwhile comes back and polls it, and all is mended. */
const HEARD_AFTER_A_PAUSE: readonly History[] = Array.from({ length: 40 }, (_, i) => ({
  setup: { expect: undefined, ids: false, retries: 5, salt: 85, replicas: 2 },
  starts: [0, 0, 12_269, 0],
  actions: [
    { type: 'start', after: 0 },
    { type: 'replica-slow', after: 25_504, who: 0, by: 100, lasts: 1_000 },
    { type: 'crash', after: 12_009, who: 0, host: false },
    { type: 'cut', after: 0, who: 2, cut: 'dark', lasts: 7_254 },
    { type: 'replica-pause', after: 15_200, who: 1, lasts: 90_000 },
    { type: 'restart', after: 2_739, who: 3, keepsData: true },
    { type: 'balance', after: 64_076 },
    { type: 'replica-cut', after: 18_800, who: 1, lasts: 90_000 },
    { type: 'cut', after: 2_269, who: 1, cut: 'dark', lasts: 1_000 },
    { type: 'replica-slow', after: 16_434 + 50 * i, who: 0, by: 100, lasts: 10_000 },
  ],
}));

/** An address is taken off and taken again, while a member that is cut off has the list from before that. */
const BACK_TOO_SOON = several(
  { replicas: 2, expect: 4 },
  [0, 0, 0, 0],
  [
    { type: 'cut', after: 60_000, who: 3, cut: 'polls', lasts: 45_000 },
    { type: 'leave', after: 1_000, who: 0, stopsAfter: 2_000, reconnects: false },
    { type: 'replica-cut', after: 29_000, who: 0, lasts: 100_000 },
    { type: 'reuse', after: 500, who: 0 },
    { type: 'adopt', after: 120_000 },
  ],
);

/** Nothing happens any more for a while. */
const later = (after: number): Action => ({ type: 'adopt', after });

/** A member comes back while the server is paused, just before it falls due, and a newcomer is read first when it goes on. */
const BACK_IN_A_PAUSE: readonly History[] = Array.from({ length: 40 }, (_, salt) => ({
  setup: { expect: 3, ids: false, retries: 200, salt, replicas: 0 },
  starts: [0, 0, 0],
  actions: [
    { type: 'cut', after: 62_000, who: 1, cut: 'dark', lasts: 120_000 },
    { type: 'server-pause', after: 55_000 + salt * 100, lasts: 100_000 },
    { type: 'start', after: 10_000 },
    later(110_000),
  ],
}));

/** A leader loses its host and starts again within its lease, when another dead member falls due. */
const BACK_WITHIN_A_LEASE: readonly History[] = Array.from({ length: 200 }, (_, salt) => ({
  setup: { expect: 4, ids: false, retries: 200, salt, replicas: 0, agents: true, slow: 20_000 },
  starts: [0, 0, 0, 0],
  actions: [
    { type: 'crash', after: 60_000, who: 3, host: true },
    { type: 'crash-leader', after: 48_000 + salt * 30, host: true },
    { type: 'restart', after: 2_500, who: 0, keepsData: true },
    { type: 'replace', after: 60_000, who: 0 },
  ],
}));

/** The only node that has data starts again, slowly, while blank ones join. */
const JOIN_AT_A_START: readonly History[] = Array.from({ length: 40 }, (_, salt) => ({
  setup: { expect: undefined, ids: false, retries: 200, salt, replicas: 0, agents: true, slow: 600_000 },
  starts: [0],
  actions: [
    { type: 'crash', after: 700_000, who: 0, host: false },
    { type: 'restart', after: 3_000, who: 0, keepsData: true },
    { type: 'start', after: 1_000 },
    { type: 'start', after: 1_000 },
    // A blank node that starts again goes by the newer list, with the other blank one.
    { type: 'crash', after: 40_000, who: 1, host: false },
    { type: 'restart', after: 3_000, who: 0, keepsData: true },
    later(1_500_000),
  ],
}));

/** A dead member falls due just after the leader's crash. */
const DUE_AFTER_A_CRASH: readonly History[] = Array.from({ length: 40 }, (_, salt) => ({
  setup: { expect: 5, ids: false, retries: 200, salt, replicas: 0 },
  starts: [0, 0, 0, 0, 0],
  actions: [
    { type: 'crash', after: 60_000, who: 4, host: false },
    { type: 'crash-leader', after: 55_000 + salt * 150, host: false },
    { type: 'replace', after: 60_000, who: 0 },
    { type: 'replace', after: 1_000, who: 0 },
  ],
}));

/** An operator takes a leader off the list that has just crashed. */
const TAKEN_OFF_AT_ONCE: readonly History[] = Array.from({ length: 40 }, (_, salt) => ({
  setup: { expect: 3, ids: false, retries: 200, salt, replicas: 0 },
  starts: [0, 0, 0],
  actions: [
    { type: 'crash-leader', after: 60_000, host: false },
    { type: 'dismiss', after: 1_000, who: 0, returns: false },
  ],
}));

/** Three strangers, one after another; each asks `again` milliseconds later once more, 0 for never. */
function strangers(again: number) {
  return Array.from({ length: 3 }, (_, i) => ({
    type: 'stranger' as const,
    after: i === 0 ? 60_000 : 200,
    again,
  }));
}

/** Strangers ask in the name of addresses where no node is, once more when they are listed. */
const STRANGERS_AGAIN: readonly History[] = Array.from({ length: 40 }, (_, salt) => ({
  setup: { expect: 3, ids: false, retries: 200, salt, replicas: 0 },
  starts: [0, 0, 0],
  actions: [...strangers(6_000), later(40_000)],
}));

/** Strangers ask once, and then a member crashes. */
const STRANGERS_ONCE: readonly History[] = Array.from({ length: 40 }, (_, salt) => ({
  setup: { expect: 3, ids: false, retries: 200, salt, replicas: 0 },
  starts: [0, 0, 0],
  actions: [...strangers(0), { type: 'crash', after: 2_000, who: 1, host: salt % 2 === 0 }, later(40_000)],
}));

/** A member loses its host, and a node that came in just then crashes some seconds later. */
const NEWCOMER_DIES_TOO: readonly History[] = Array.from({ length: 40 }, (_, salt) => ({
  setup: { expect: 3, ids: false, retries: 200, salt, replicas: 0 },
  starts: [0, 0, 0],
  actions: [
    { type: 'crash', after: 60_000, who: 1, host: true },
    { type: 'start', after: 500 },
    { type: 'crash', after: 8_000 + salt * 200, who: 2, host: salt % 2 === 0 },
    later(120_000),
  ],
}));

/** All are gone, new ones wait, and a stranger asks just before these found anew; then one of them crashes. */
const STRANGER_AT_A_FOUNDING: readonly History[] = Array.from({ length: 40 }, (_, salt) => ({
  setup: { expect: undefined, ids: false, retries: 200, salt, replicas: 0, agents: true },
  starts: [0, 0, 0, 0],
  actions: [
    { type: 'start', after: 1_500 },
    { type: 'crash-leader', after: 45_000, host: false },
    { type: 'leave', after: 17_500, who: 0, stopsAfter: 2_000, reconnects: false },
    { type: 'stranger', after: 37_000 + 100 * salt, again: 0 },
    { type: 'crash', after: 20_000, who: 1, host: false },
    later(60_000),
  ],
}));

/** A joiner starts anew while the server is away, and then the only one that has data dies and another comes. */
const ANEW_WHILE_DEAF: readonly History[] = Array.from({ length: 40 }, (_, salt) => ({
  setup: { expect: undefined, ids: false, retries: 5, salt, replicas: 0 },
  starts: [0, 0],
  actions: [
    { type: 'crash', after: 6_600, who: 1, host: false },
    { type: 'server-restart', after: 350, clean: false, lasts: 10_300 },
    { type: 'restart', after: 10_200, who: 0, keepsData: true },
    { type: 'start', after: 500 },
    { type: 'crash', after: 7_300 + 50 * salt, who: 0, host: true },
    { type: 'crash', after: 10_700, who: 0, host: false },
  ],
}));

/** All that have data leave when two newcomers have only just come in, one of which moves then. */
const NOBODY_SETTLED: readonly History[] = Array.from({ length: 40 }, (_, salt) => ({
  setup: { expect: 3, ids: false, retries: 200, salt, replicas: 0, reads: true },
  starts: [0, 0, 0],
  actions: [
    { type: 'start', after: 60_000 },
    { type: 'start', after: 10 },
    ...[200, 10, 10].map((after) => ({
      type: 'leave' as const,
      after,
      who: 0,
      stopsAfter: 3_000,
      reconnects: false,
    })),
    { type: 'move', after: 10, who: 0, host: true },
  ],
}));

/** An initial member dies before Raft is bootstrapped, two newcomers come, the others die, and it comes back. */
const BLANK_FOUNDER: readonly History[] = Array.from({ length: 40 }, (_, salt) => ({
  setup: { expect: 3, ids: false, retries: 200, salt, replicas: 0 },
  starts: [0, 0, 0],
  actions: [
    { type: 'crash', after: 3_000, who: 0, host: false },
    { type: 'start', after: 57_000 },
    { type: 'start', after: 20 },
    { type: 'crash', after: 1_000, who: 0, host: true },
    { type: 'crash', after: 10, who: 0, host: true },
    { type: 'restart', after: 1_000, who: 0, keepsData: true },
    later(60_000),
  ],
}));

/** The same, but all go, and it comes back with one other when two newcomers wait. */
const BLANK_FOUNDER_BACK: readonly History[] = Array.from({ length: 40 }, (_, salt) => ({
  setup: { expect: 3, ids: false, retries: 5, salt, replicas: 0 },
  starts: [0, 0, 4_501],
  actions: [
    { type: 'crash', after: 1_000, who: 0, host: false },
    { type: 'restart', after: 8_000, who: 0, keepsData: true },
    { type: 'crash', after: 0, who: 0, host: false },
    { type: 'crash', after: 17_000, who: 0, host: true },
    { type: 'crash', after: 39_000, who: 0, host: true },
    { type: 'start', after: 0 },
    { type: 'start', after: 15_000 },
  ],
}));

/** An operator puts a dead member, which is replaced then; the other left while nobody could decide on it. */
const DEAD_AND_PUT: readonly History[] = several(
  { replicas: 1, expect: undefined },
  [2_553, 21_801],
  [
    { type: 'replica-cut', after: 704, who: 0, lasts: 97_000 },
    { type: 'leave', after: 18_000, who: 0, stopsAfter: 0, reconnects: false },
    { type: 'crash', after: 49_000, who: 0, host: true },
    { type: 'put', after: 32_000 },
    { type: 'replace', after: 38_000, who: 0 },
  ],
  20,
).map(({ setup, ...history }) => ({ ...history, setup: { ...setup, ids: true, retries: 5 } }));

/** All are gone, others found anew, and those of before are back in the same moment. */
const BACK_AFTER_A_REFOUNDING: readonly History[] = several(
  { replicas: 2, expect: 3 },
  [0, 0, 1_091],
  [
    { type: 'leave', after: 50_131, who: 0, stopsAfter: 0, reconnects: false },
    { type: 'crash-leader', after: 13_058, host: false },
    { type: 'crash', after: 2_000, who: 0, host: false },
    { type: 'start', after: 0 },
    { type: 'reuse', after: 141_000, who: 0 },
  ],
).map(({ setup, ...history }) => ({
  ...history,
  setup: { ...setup, retries: 5, reads: true, agents: true },
}));

/** A server is stopped, a member that polled it dies, and it goes on when a newcomer waits. */
const ASKED_A_STOPPED_SERVER: readonly History[] = Array.from({ length: 80 }, (_, salt) => ({
  setup: { expect: 3, ids: false, retries: 5, salt, replicas: 2 },
  starts: [0, 0, 0],
  actions: [
    { type: 'crash', after: 13_000, who: 2, host: true },
    { type: 'replica-pause', after: 24_000, who: 0, lasts: 140_000 },
    { type: 'crash', after: 69_000, who: 1, host: false },
    { type: 'start', after: 16_000 },
    later(70_000),
  ],
}));

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'leave out whoever died where nobody has settled',
    faults: {
      decide: (cluster, command, context) => {
        const hasSettled = [...cluster.members.values()].some(({ settled }) => settled);
        if (command.type !== 'recover' || hasSettled) return decide(cluster, command, context);
        return { ...decide(withoutDead(cluster, context), command, context), cluster };
      },
    },
    directed: NOBODY_SETTLED,
    caughtBy: ['not-whole-in-the-end'],
  },
  {
    name: 'take an initial member that died for one that has its data',
    faults: afterwards((cluster, context) => {
      const all = [...cluster.members.values()];
      const settled = all.filter((one) => one.settled);
      const live = all.filter((one) => isLive(one, context.rules, context.now));
      const isOpen = live.length >= majority(all.length) && settled.length >= majority(all.length + 1);
      return isOpen ? admitOne(cluster, context) : cluster;
    }),
    directed: [...BLANK_FOUNDER, ...BLANK_FOUNDER_BACK],
    caughtBy: ['disjoint-groups'],
  },
  {
    name: 'let a static member that is seen to be dead keep its id',
    faults: {
      decide: (cluster, command, context) => {
        const isHeld = [...cluster.members.values()].some(
          ({ source, id, address }) =>
            command.type === 'poll' &&
            source === 'static' &&
            id === command.id &&
            address !== command.address,
        );
        if (!isHeld) return decide(cluster, command, context);
        return { cluster, events: [], reply: { type: 'refused', code: 'id-in-use', reason: '' } };
      },
    },
    directed: DEAD_AND_PUT,
    caughtBy: ['not-whole-in-the-end'],
  },
  {
    name: 'let a newcomer onto the list with which the initial members start',
    faults: afterwards((cluster, context) => {
      const all = [...cluster.members.values()];
      const isOpen = all.every((one) => one.settled && isLive(one, context.rules, context.now));
      return isOpen ? admitOne(cluster, context) : cluster;
    }),
    directed: STRANGER_AT_A_FOUNDING,
    caughtBy: ['leaderless', 'evicted-without-majority', 'not-whole-in-the-end'],
  },
  {
    name: 'let a joiner settle that may have come back blank while the server did not hear',
    faults: {
      decide: (cluster, command, context) => {
        const graceUntil = Math.min(context.graceUntil, context.now);
        return decide(cluster, command, { ...context, graceUntil });
      },
    },
    directed: ANEW_WHILE_DEAF,
    caughtBy: ['disjoint-groups'],
  },
  {
    name: 'let newcomers be as many as those that have settled',
    faults: afterwards((cluster, context) => {
      const all = [...cluster.members.values()];
      const unsettled = all.filter(({ settled }) => !settled).length;
      return unsettled + 1 < majority(all.length + 1) &&
        all.every((one) => isLive(one, context.rules, context.now))
        ? admitOne(cluster, context)
        : cluster;
    }),
    directed: STRANGERS_AGAIN,
    caughtBy: ['lost-to-strangers'],
  },
  {
    name: 'count a newcomer that was not heard again',
    faults: {
      decide: (cluster, command, context) =>
        decide(cluster, command, { ...context, raft: everybodyVotes(cluster, context) }),
    },
    directed: STRANGERS_ONCE,
    caughtBy: ['lost-to-strangers'],
  },
  {
    name: 'leave out a newcomer that died, whoever else is dead',
    faults: {
      decide: (cluster, command, context) => decide(unheardAgain(cluster, context), command, context),
    },
    directed: NEWCOMER_DIES_TOO,
    caughtBy: ['evicted-without-majority', 'joined-without-majority'],
  },
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
    caughtBy: ['bootstrapped-too-small'],
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
      cluster.tombstones.size > 0 ? { ...cluster, tombstones: new Map() } : cluster,
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
    directed: DUE_AFTER_A_CRASH,
    caughtBy: ['not-whole-in-the-end', 'leaderless'],
  },
  {
    name: 'decide what is heard after a pause before the pause is noticed',
    faults: { unnoticedPauses: true },
    directed: BACK_IN_A_PAUSE,
    caughtBy: ['live-member-dropped'],
  },
  {
    name: 'take a Nacos that only starts for one that runs',
    faults: {
      decide: (cluster, command, context) =>
        decide(cluster, command.type === 'poll' ? { ...command, starting: undefined } : command, context),
    },
    directed: BACK_WITHIN_A_LEASE,
    caughtBy: ['not-whole-in-the-end', 'leaderless'],
  },
  {
    name: 'let a joiner settle by time, beside the only one that has data, which only starts',
    faults: afterwards(settleByTime),
    directed: JOIN_AT_A_START,
    caughtBy: ['disjoint-groups', 'leaderless'],
  },
  {
    name: 'renew a member whose agent says that it does not answer',
    faults: {
      decide: (cluster, command, context) =>
        decide(
          cluster,
          command.type === 'unhealthy'
            ? { type: 'poll', source: 'heartbeat', address: command.address, connectedAt: context.now }
            : command,
          context,
        ),
    },
    caughtBy: ['joined-without-majority', 'evicted-without-majority'],
  },
  {
    name: 'take the word of an operator for a member that has just died',
    faults: {
      decide: (cluster, command, context) =>
        decide(
          cluster,
          command.type === 'leave' && command.operator ? { ...command, operator: { force: true } } : command,
          context,
        ),
    },
    directed: TAKEN_OFF_AT_ONCE,
    caughtBy: ['not-whole-in-the-end', 'leaderless', 'evicted-without-majority'],
  },
  {
    name: 'evict a static member that is not heard',
    faults: afterwards((cluster, context) =>
      dropIf(
        cluster,
        ({ source, lease }) => source === 'static' && context.now - lease.heardAt > context.rules.evictAfter,
      ),
    ),
    caughtBy: ['live-member-dropped'],
  },
  {
    name: 'adopt whoever is static, heard or not, and take off who is not',
    faults: {
      decide: (cluster, command, context) => {
        const outcome = decide(cluster, command, context);
        if (command.type !== 'adopt') return outcome;
        return { ...outcome, cluster: dropIf(outcome.cluster, ({ source }) => source === 'static') };
      },
    },
    caughtBy: ['live-member-dropped'],
  },
  {
    name: 'change the list while Raft is repaired',
    faults: {
      decide: (cluster, command, context) => {
        if (command.type === 'repair' || cluster.repair === undefined)
          return decide(cluster, command, context);
        const outcome = decide({ ...cluster, repair: undefined }, command, context);
        return { ...outcome, cluster: { ...outcome.cluster, repair: cluster.repair } };
      },
    },
    caughtBy: ['changed-in-repair'],
  },
  {
    name: 'several servers: let the doctor remove whomever one server’s list lacks',
    faults: { finishesAnybody: true },
    several: true,
    caughtBy: ['live-voter-removed'],
  },
  {
    name: 'several servers: let an address come back while a member has the list from before',
    faults: { replica: { neverWaitsForOld: true } },
    directed: BACK_TOO_SOON,
    caughtBy: ['not-whole-in-the-end'],
  },
  {
    name: 'several servers: send a changed list at once',
    faults: { replica: { neverPending: true } },
    several: true,
    caughtBy: ['went-back'],
  },
  {
    name: 'several servers: do not read what the others heard',
    faults: { replica: { keepsToItself: true } },
    several: true,
    caughtBy: ['not-whole-in-the-end', 'live-member-dropped'],
  },
  {
    name: 'several servers: send lists for ever while cut off',
    faults: { replica: { alwaysCurrent: true } },
    directed: CUT_OFF,
    caughtBy: ['went-back'],
  },
  {
    name: 'several servers: evict whatever the others may have heard',
    faults: {
      decide: (cluster, command, { othersKnow: _, ...context }) => decide(cluster, command, context),
    },
    directed: RETURNS_ELSEWHERE,
    caughtBy: ['live-member-dropped'],
  },
  {
    name: 'several servers: keep the times that a clock has given which stood still',
    faults: { replica: { neverCatchesUp: true } },
    directed: HEARD_AFTER_A_PAUSE,
    caughtBy: ['live-member-dropped'],
  },
  {
    name: 'several servers: send the list of an earlier epoch to one that is on the new one',
    faults: { replica: { neverMindsEpochs: true } },
    directed: BACK_AFTER_A_REFOUNDING,
    caughtBy: ['not-whole-in-the-end'],
  },
  {
    name: 'several servers: take what waited in a stopped server’s sockets for said now',
    faults: { replica: { hearsOldWords: true } },
    directed: ASKED_A_STOPPED_SERVER,
    caughtBy: ['joined-without-majority', 'evicted-without-majority'],
  },
  {
    name: 'several servers: answer a silent member without a decision',
    faults: { replica: { answersSilent: true } },
    directed: RETURNS_AS_IT_IS_CUT,
    caughtBy: ['live-member-dropped'],
  },
  {
    name: 'several servers: promise to send no older list, and send it',
    faults: { replica: { trustsItsOwn: true } },
    directed: CUT_IN_A_CHANGE,
    caughtBy: ['went-back'],
  },
  {
    name: 'several servers: keep the times of a clock that ran ahead',
    faults: { replica: { neverSetsBack: true } },
    directed: DEAD_MEANWHILE,
    caughtBy: ['joined-without-majority'],
  },
  {
    name: 'several servers: forget at once who took its leave',
    faults: { replica: { leavesNoTrace: true } },
    directed: CUT_IN_A_RESTART,
    caughtBy: ['went-back'],
  },
  {
    name: 'several servers: take off on the word of an operator whom the others never had on their lists',
    faults: {
      decide: (cluster, command, context) => {
        const outcome = decide(cluster, command, context);
        const { reply } = outcome;
        if (command.type !== 'leave' || reply.type !== 'refused' || !/not been sent/.test(reply.reason))
          return outcome;
        return decide(cluster, { ...command, operator: { force: true } }, context);
      },
    },
    directed: TAKEN_OFF_UNSEEN,
    caughtBy: ['not-whole-in-the-end'],
  },
  {
    name: 'several servers: set back by what a clock is ahead, also what was heard before it stood still',
    faults: { replica: { forgetsItStood: true } },
    directed: STOPPED_IN_AN_OUTAGE,
    caughtBy: ['joined-without-majority'],
  },
  {
    name: 'several servers: take a server that starts for one that hears before it has told its grace',
    faults: { replica: { tellsGraceLate: true } },
    directed: HEARD_BY_ONE_THAT_DIES,
    caughtBy: ['live-member-dropped'],
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

/** As if everybody on the list had been seen to be a voter. */
function everybodyVotes({ members }: Cluster, { now }: Context): RaftEvidence {
  const groups = ['raft'];
  const voters = new Map([...members.keys()].map((address) => [address, groups] as const));
  return { readAt: now, leaderless: [], whole: { groups, voters, followers: new Set() } };
}

/** As if newcomers that are silent for long had not been heard since they joined. */
function unheardAgain(cluster: Cluster, { now }: Context): Cluster {
  const members = new Map(cluster.members);
  for (const [address, member] of members) {
    const { lease, settled, joinedAt } = member;
    if (settled || silence(member, now) < REPLACED_EVICT_AFTER) continue;
    members.set(address, { ...member, lease: { ...lease, heardAt: joinedAt, openAt: NEVER } });
  }
  return { ...cluster, members };
}

/** As if those that are not live were on no list. */
function withoutDead(cluster: Cluster, { rules, now }: Context): Cluster {
  const live = [...cluster.members].filter(([, member]) => isLive(member, rules, now));
  return { ...cluster, members: new Map(live) };
}

/** Whoever joined some time ago has settled, whatever its Nacos and those of the others do. */
function settleByTime(cluster: Cluster, { now, rules }: Context): Cluster {
  const due = [...cluster.members.values()].filter(
    ({ settled, joinedAt }) => !settled && now - joinedAt > rules.settleAfter,
  );
  if (due.length === 0) return cluster;
  const members = new Map(cluster.members);
  for (const member of due) members.set(member.address, { ...member, settled: true });
  return { ...cluster, members };
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
