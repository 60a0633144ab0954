import fc from 'fast-check';
import type { Address } from '../../../src/registry/address.js';
import { majority } from '../../../src/registry/cluster.js';
import type { Cut, Node, Setup, World } from './world.js';

/** Most nodes at a time: more only make histories slower. */
const MOST_NODES = 7;

/** Something that happens, `after` milliseconds later than the one before. `who` picks among those it can happen to. */
export type Action = { readonly after: number } & (
  | { readonly type: 'start' }
  /** A blank node at an address that was given up. */
  | { readonly type: 'reuse'; readonly who: number }
  | { readonly type: 'crash'; readonly who: number; readonly host: boolean }
  /** The leader of the moment. */
  | { readonly type: 'crash-leader'; readonly host: boolean }
  /** A crashed node comes back at its address, with its data or without. */
  | { readonly type: 'restart'; readonly who: number; readonly keepsData: boolean }
  /** A new node, of the same id, takes the place of a crashed one, which never returns. */
  | { readonly type: 'replace'; readonly who: number }
  /** A running node is killed and starts elsewhere from nothing. */
  | { readonly type: 'move'; readonly who: number; readonly host: boolean }
  | {
      readonly type: 'leave';
      readonly who: number;
      readonly stopsAfter: number;
      readonly reconnects: boolean;
    }
  | { readonly type: 'cut'; readonly who: number; readonly cut: Cut; readonly lasts: number }
  /** Somebody who is no node asks for the list in the name of an address where none is, and once more if `again` says when. */
  | { readonly type: 'stranger'; readonly again: number }
  /** A running node's process hangs. */
  | { readonly type: 'hang'; readonly who: number; readonly lasts: number }
  /** An operator takes a node off the list that does not run. */
  | { readonly type: 'dismiss'; readonly who: number; readonly returns: boolean }
  /** An operator puts the members that there are, or those that start. */
  | { readonly type: 'put' }
  | { readonly type: 'adopt' }
  /** The doctor repairs Raft, or dies over it. */
  | { readonly type: 'repair'; readonly lasts: number; readonly dies: boolean }
  | { readonly type: 'server-restart'; readonly clean: boolean; readonly lasts: number }
  | { readonly type: 'server-pause'; readonly lasts: number }
  | { readonly type: 'store-outage'; readonly lasts: number }
  /** One of several servers dies; with its host its connections only time out. */
  | { readonly type: 'replica-crash'; readonly who: number; readonly host: boolean; readonly lasts: number }
  /** A rolling update: it takes leave, and comes back. */
  | { readonly type: 'replica-restart'; readonly who: number; readonly lasts: number }
  | { readonly type: 'replica-pause'; readonly who: number; readonly lasts: number }
  /** Off from the database; the nodes still reach it. */
  | { readonly type: 'replica-cut'; readonly who: number; readonly lasts: number }
  /** Its exchanges with the database take up to `by` milliseconds. */
  | { readonly type: 'replica-slow'; readonly who: number; readonly by: number; readonly lasts: number }
  | { readonly type: 'database-down'; readonly lasts: number }
  | { readonly type: 'database-clock'; readonly by: number }
  | { readonly type: 'balance' }
);

export interface History {
  readonly setup: Setup;
  /** When the first nodes start, in milliseconds. */
  readonly starts: readonly number[];
  readonly actions: readonly Action[];
}

const S = 1_000;
const moment = fc.oneof(
  fc.integer({ min: 0, max: 3 * S }),
  fc.integer({ min: 0, max: 20 * S }),
  fc.integer({ min: 0, max: 80 * S }),
);
const who = fc.nat(MOST_NODES - 1);
const host = fc.boolean();

/** Both ways out at once stay well below 30 s, or are the class that R5 cannot tell from death. */
const dark = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: S, max: 15 * S }) },
  { weight: 1, arbitrary: fc.integer({ min: 60 * S, max: 120 * S }) },
);
const long = fc.oneof(fc.integer({ min: S, max: 10 * S }), fc.integer({ min: 10 * S, max: 150 * S }));

type Weighted = fc.MaybeWeightedArbitrary<Action>;

/** What happens to nodes. */
const ofNodes: readonly Weighted[] = [
  { weight: 4, arbitrary: fc.record({ type: fc.constant('start' as const), after: moment }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('reuse' as const), after: moment, who }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('crash' as const), after: moment, who, host }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('crash-leader' as const), after: moment, host }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('restart' as const),
      after: moment,
      who,
      keepsData: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.boolean()),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('replace' as const), after: moment, who }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('move' as const), after: moment, who, host }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('leave' as const),
      after: moment,
      who,
      stopsAfter: fc.integer({ min: 2 * S, max: 10 * S }),
      reconnects: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('cut' as const),
      after: moment,
      who,
      cut: fc.constantFrom<Cut>('polls', 'answers'),
      lasts: long,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('cut' as const),
      after: moment,
      who,
      cut: fc.constant<Cut>('dark'),
      lasts: dark,
    }),
  },
];

/** What others do who reach the server. */
const ofStrangers: readonly Weighted[] = [
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('stranger' as const),
      after: moment,
      again: fc.oneof(fc.constant(0), fc.integer({ min: S, max: 90 * S })),
    }),
  },
];

/** What operators, the doctor and agents do. */
const ofOperators: readonly Weighted[] = [
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('dismiss' as const),
      after: moment,
      who,
      returns: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('put' as const), after: moment }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('adopt' as const), after: moment }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('repair' as const),
      after: moment,
      lasts: fc.integer({ min: 0, max: 40 * S }),
      dies: fc.oneof({ weight: 2, arbitrary: fc.constant(false) }, fc.boolean()),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('hang' as const), after: moment, who, lasts: long }),
  },
];

/** What happens to one server with a database of its own. */
const ofServer: readonly Weighted[] = [
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('server-restart' as const),
      after: moment,
      clean: fc.boolean(),
      lasts: long,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('server-pause' as const), after: moment, lasts: long }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('store-outage' as const), after: moment, lasts: long }),
  },
];

/** A server that is gone without a word is waited for for 120 s. */
const longer = fc.oneof(long, fc.integer({ min: 90 * S, max: 300 * S }));

/** What happens to several servers on one database. */
const ofReplicas: readonly Weighted[] = [
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('replica-crash' as const),
      after: moment,
      who,
      host: fc.boolean(),
      lasts: longer,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('replica-restart' as const), after: moment, who, lasts: long }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('replica-pause' as const), after: moment, who, lasts: longer }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('replica-cut' as const), after: moment, who, lasts: longer }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('replica-slow' as const),
      after: moment,
      who,
      by: fc.integer({ min: 100, max: 2 * S }),
      lasts: longer,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('database-down' as const), after: moment, lasts: longer }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('database-clock' as const),
      after: moment,
      by: fc.constantFrom(-3_600 * S, -10 * S, 10 * S, 3_600 * S),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('balance' as const), after: moment }) },
];

/** In one history of four or so. */
const rarely = fc.oneof({ weight: 1, arbitrary: fc.constant(false) }, fc.boolean());

function histories(replicas: fc.Arbitrary<number>, actions: readonly Weighted[]): fc.Arbitrary<History> {
  return fc
    .record({
      starts: fc.array(fc.oneof(fc.constant(0), moment), { minLength: 1, maxLength: 5 }),
      expects: fc.boolean(),
      ids: fc.boolean(),
      retries: fc.constantFrom(5, 200),
      reads: fc.boolean(),
      agents: rarely,
      slow: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 60 * S })),
      moving: rarely,
      salt: fc.nat(1_000_000),
      actions: fc.array(fc.oneof(...actions), { maxLength: 16, size: 'max' }),
      replicas,
    })
    .map(({ starts, expects, actions, ...setup }) => ({
      setup: { ...setup, expect: expects ? starts.length : undefined },
      starts,
      actions,
    }));
}

/** Nodes that start together or one by one, and what happens to them and to one server (SQLite). */
export const oneServer = histories(fc.constant(0), [...ofNodes, ...ofStrangers, ...ofOperators, ...ofServer]);

/** The same with several servers on one database. */
export const severalServers = histories(fc.constantFrom(1, 2, 2, 2, 3, 3, 3), [
  ...ofNodes,
  ...ofStrangers,
  ...ofOperators,
  ...ofReplicas,
]);

/** Lets an action happen; one that can happen to nobody does nothing. */
export function apply(world: World, action: Action): void {
  const all = [...world.nodes.values()];
  const running = all.filter(({ state }) => state === 'running');
  const off = all.filter(({ state, gone }) => state === 'off' && !gone);
  const hasRoom = all.filter(({ gone }) => !gone).length < MOST_NODES;
  const pick = (from: readonly Node[], which: number): Node | undefined => from[which % from.length];
  const say = (text: string): void => world.note(() => `— ${text}`);
  switch (action.type) {
    case 'start':
      if (hasRoom) say(`${world.add().address} is new`);
      return;
    case 'reuse': {
      const node = pick(
        all.filter(({ state, gone }) => state === 'off' && gone),
        action.who,
      );
      if (!node || !hasRoom || isNeeded(world, node.address) || isStillListed(world, node.address)) return;
      if (isStillVoter(world, node.address)) return;
      say(`a new node starts at ${node.address}, which was given up`);
      world.addAt(node.address, `${node.id} again ${world.now}`);
      return;
    }
    case 'crash':
    case 'crash-leader': {
      const leader = world.raft.workingLeader()?.address ?? '';
      const node = action.type === 'crash' ? pick(running, action.who) : world.nodes.get(leader);
      if (!node || node.state !== 'running') return;
      say(`${node.address} ${action.host ? 'loses its host' : 'crashes'}`);
      world.stop(node, action.host ? 'host' : 'process');
      return;
    }
    case 'restart': {
      const node = pick(off, action.who);
      if (!node) return;
      say(`${node.address} restarts ${action.keepsData ? 'with' : 'without'} its data`);
      if (!action.keepsData) world.wipe(node);
      world.start(node);
      return;
    }
    case 'replace': {
      const node = pick(off, action.who);
      if (!node) return;
      world.giveUp(node);
      say(`${world.add(node.id).address} replaces ${node.address}`);
      return;
    }
    case 'move': {
      const node = pick(running, action.who);
      if (!node) return;
      world.stop(node, action.host ? 'host' : 'process');
      world.giveUp(node);
      say(`${node.address} moves to ${world.add(node.id).address}`);
      return;
    }
    case 'leave': {
      const node = pick(running, action.who);
      // One that is held for dead says nothing; that somebody says it for it is left out (README).
      if (!node || (world.registry.cluster.members.get(node.address)?.presence ?? 'live') !== 'live') return;
      // Nor one that still boots: it would ask to be added to Raft again after its removal.
      if (world.now - node.begunAt < 20_000 + node.slow) return;
      say(`${node.address} leaves`);
      world.leave(node, action.stopsAfter, action.reconnects);
      return;
    }
    case 'cut': {
      const node = pick(
        all.filter(({ gone }) => !gone),
        action.who,
      );
      if (!node) return;
      say(`${node.address} is cut off (${action.cut}) for ${seconds(action.lasts)}`);
      world.cut(node, action.cut, action.lasts);
      return;
    }
    case 'stranger':
      return world.stranger(action.again);
    case 'hang': {
      const node = pick(running, action.who);
      if (!node || node.hangs || !world.setup.agents) return;
      say(`${node.address} hangs for ${seconds(action.lasts)}`);
      world.hang(node, action.lasts);
      return;
    }
    case 'dismiss': {
      const node = pick(off, action.who);
      if (!node || !world.registry.cluster.members.has(node.address)) return;
      say(`an operator takes ${node.address} off the list`);
      return world.dismiss(node, action.returns);
    }
    case 'put':
      say('an operator puts the members');
      return world.put();
    case 'adopt':
      say('an operator releases the static members');
      return world.adopt();
    case 'repair':
      say(`the doctor repairs for ${seconds(action.lasts)}${action.dies ? ' and dies' : ''}`);
      return world.repair(action.lasts, action.dies);
    case 'server-restart':
      say(
        `the server ${action.clean ? 'stops' : 'is killed'} and starts again after ${seconds(action.lasts)}`,
      );
      for (const server of world.servers) world.stopServer(server, action.clean, action.lasts);
      return;
    case 'server-pause':
      say(`the server is paused for ${seconds(action.lasts)}`);
      for (const server of world.servers) world.pauseServer(server, action.lasts);
      return;
    case 'replica-crash':
    case 'replica-restart':
    case 'replica-pause':
    case 'replica-cut':
    case 'replica-slow':
      return disturb(world, action);
    case 'database-down': {
      const { database } = world;
      if (!database) return;
      say(`the database is down for ${seconds(action.lasts)}`);
      database.isDown = true;
      const which = ++world.outages;
      world.schedule.after(action.lasts, () => {
        if (world.outages === which) database.isDown = false;
      });
      return;
    }
    case 'database-clock':
      say(`the database's clock jumps by ${seconds(action.by)}`);
      world.database?.jump(action.by);
      return;
    case 'balance':
      say('the balancer moves all connections');
      world.balance();
      return;
    case 'store-outage':
      say(`the store is lost for ${seconds(action.lasts)}`);
      world.storeWorks = false;
      world.schedule.after(action.lasts, () => (world.storeWorks = true));
      return;
  }
}

/** Something happens to one of several servers. */
function disturb(
  world: World,
  action: Extract<
    Action,
    { type: 'replica-crash' | 'replica-restart' | 'replica-pause' | 'replica-cut' | 'replica-slow' }
  >,
): void {
  const { database, replicas, schedule } = world;
  const replica = replicas[action.who % replicas.length];
  if (!database || !replica) return;
  const { id } = replica;
  const say = (text: string): void => world.note(() => `— server ${id} ${text} for ${seconds(action.lasts)}`);
  switch (action.type) {
    case 'replica-crash':
      say(action.host ? 'is lost with its host' : 'crashes and is away');
      return world.stopServer(replica, false, action.lasts, action.host);
    case 'replica-restart':
      say('stops and is away');
      return world.stopServer(replica, true, action.lasts);
    case 'replica-pause':
      say('is paused');
      return world.pauseServer(replica, action.lasts);
    case 'replica-cut':
      say('is cut off from the database');
      database.cut(id);
      schedule.after(action.lasts, () => database.mend(id));
      return;
    case 'replica-slow':
      say(`waits up to ${action.by} ms for the database`);
      replica.slowness = action.by;
      schedule.after(action.lasts, () => (replica.slowness = 0));
      return;
  }
}

export function seconds(ms: number): string {
  return `${ms / 1_000} s`;
}

/**
 * Whether an address is listed while the others that have settled are no majority. A blank node that took it then
 * could not be told from the old one coming back (R2), but by its id; that is left out (README).
 */
function isNeeded({ registry, nodes }: World, address: Address): boolean {
  const { members } = registry.cluster;
  if (!members.has(address)) return false;
  const settled = [...members.values()].filter((member) => member.settled);
  const others = settled.filter(
    (member) => member.address !== address && nodes.get(member.address)?.state === 'running',
  );
  return others.length < majority(settled.length);
}

/**
 * Whether Raft still counts on an address that is off the list, since nobody could remove it. A blank node there would vote
 * in its name for whoever does not know what it had confirmed; that is left out (README).
 */
function isStillVoter({ registry, raft }: World, address: Address): boolean {
  return !registry.cluster.members.has(address) && raft.best()?.voters.has(address) === true;
}

/**
 * Whether a server has not heard yet that the address was taken off the list, and would take a new node there for the
 * old one. That is left out (README).
 */
function isStillListed({ registry, replicas }: World, address: Address): boolean {
  return !registry.cluster.members.has(address) && replicas.some((replica) => replica.lists(address));
}
