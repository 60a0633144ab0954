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
  | { readonly type: 'server-restart'; readonly clean: boolean; readonly lasts: number }
  | { readonly type: 'server-pause'; readonly lasts: number }
  | { readonly type: 'store-outage'; readonly lasts: number }
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

const action: fc.Arbitrary<Action> = fc.oneof(
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
);

/** Nodes that start together or one by one, and what happens to them. */
export const history: fc.Arbitrary<History> = fc
  .record({
    starts: fc.array(fc.oneof(fc.constant(0), moment), { minLength: 1, maxLength: 5 }),
    expects: fc.boolean(),
    ids: fc.boolean(),
    retries: fc.constantFrom(5, 200),
    salt: fc.nat(1_000_000),
    actions: fc.array(action, { maxLength: 16, size: 'max' }),
  })
  .map(({ starts, expects, ids, retries, salt, actions }) => ({
    setup: { expect: expects ? starts.length : undefined, ids, retries, salt },
    starts,
    actions,
  }));

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
      if (!node || !hasRoom || isNeeded(world, node.address)) return;
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
      if (!node || (world.server.cluster.members.get(node.address)?.presence ?? 'live') !== 'live') return;
      // Nor one that still boots: it would ask to be added to Raft again after its removal.
      if (world.now - node.startedAt < 20_000) return;
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
    case 'server-restart':
      say(
        `the server ${action.clean ? 'stops' : 'is killed'} and starts again after ${seconds(action.lasts)}`,
      );
      world.stopServer(action.clean, action.lasts);
      return;
    case 'server-pause':
      say(`the server is paused for ${seconds(action.lasts)}`);
      world.pauseServer(action.lasts);
      return;
    case 'store-outage':
      say(`the store is lost for ${seconds(action.lasts)}`);
      world.storeWorks = false;
      world.schedule.after(action.lasts, () => (world.storeWorks = true));
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
function isNeeded({ server, nodes }: World, address: Address): boolean {
  const { members } = server.cluster;
  if (!members.has(address)) return false;
  const settled = [...members.values()].filter((member) => member.settled);
  const others = settled.filter(
    (member) => member.address !== address && nodes.get(member.address)?.state === 'running',
  );
  return others.length < majority(settled.length);
}
