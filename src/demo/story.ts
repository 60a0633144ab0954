import type { ClusterHealth } from '../doctor/health.js';
import { formatDuration } from '../config/duration.js';
import type { EventView } from '../http/api/schemas.js';
import { pause } from '../util/pause.js';
import { DEFAULT_RULES, REPLACED_EVICT_AFTER } from '../registry/rules.js';
import type { ClusterView, MemberView } from '../registry/view.js';
import { SIZE, type Demo } from './demo.js';

/** What operators see of the cluster. Each method rejects if the server does not answer. */
export interface Seen {
  /** Undefined while the cluster is unknown. */
  cluster(): Promise<ClusterView | undefined>;
  health(): Promise<ClusterHealth>;
  /** Newest first. */
  events(): Promise<readonly EventView[]>;
}

/** One step of the story. */
export interface Scene {
  /** What happens: a sentence. */
  readonly what: string;
  /** Why the server acts so: sentences. */
  readonly why: string;
  /** The cluster at that moment. */
  readonly cluster?: ClusterView | undefined;
}

/** Thrown when the next scene does not come in time. */
export class StoryStuck extends Error {
  override readonly name = 'StoryStuck';
}

/** Pause between two looks. */
const POLL_INTERVAL_MS = 250;

/** Time limit of a scene: the longest takes 30 s, and the machine may be busy. */
const TIME_LIMIT_MS = 180_000;

/** How long a quiet state stays on screen. */
const PAUSE_MS = 3_000;

/**
 * Runs the demo: three nodes bootstrap a cluster, and one is replaced. Rejects with {@link StoryStuck}, or if
 * the server does not answer.
 */
export async function tellStory(
  demo: Demo,
  seen: Seen,
  tell: (scene: Scene) => Promise<void>,
): Promise<void> {
  const until = (what: string, isSo: (view: ClusterView) => boolean): Promise<ClusterView> =>
    seenToBe(
      () => seen.cluster(),
      isSo,
      (view) => `waited ${TIME_LIMIT_MS / 1_000} s in vain for ${what}: ${view?.summary ?? 'no cluster'}`,
    );

  for (const id of ['node-1', 'node-2']) await demo.startNode(id);
  await tell({
    what: 'node-1 and node-2 start and poll for their list. They get none yet: they wait at the gate.',
    why: `Each asks for a cluster of ${SIZE} (expect=${SIZE}). A Nacos that starts with a shorter list bootstraps Raft groups of its own, and groups that were bootstrapped apart never become one.`,
    cluster: await until('two waiting nodes', ({ waiting }) => waiting.length === 2),
  });

  await pause(PAUSE_MS);
  await demo.startNode('node-3');
  await until('the bootstrap', ({ members }) => members.length === SIZE);
  await tell({
    what: 'node-3 starts, and the cluster is bootstrapped: all three get the same list at the same moment.',
    why: 'So all three begin with the same voters. From now on each polls every 5 s, as Nacos does, and each poll renews its lease.',
    cluster: await until('a whole cluster', ({ state }) => state === 'whole'),
  });

  await until('a leader', () => demo.leader !== undefined);
  const { summary } = await healthy(seen, 1);
  await pause(PAUSE_MS);
  await tell({
    what: `The server also reads the nodes’ Raft groups: ${summary}.`,
    why: 'A list can be right while Raft is not. `nacos-address-server doctor` compares the two at any time.',
  });
  await pause(PAUSE_MS);

  const dead = demo.leader;
  if (!dead) throw new StoryStuck('no node leads');
  dead.die();
  await tell({
    what: `${dead.id}, which leads the Raft groups, dies: its port closes. The server marks it down, and keeps it on the list.`,
    why: `The others need 5 to 6 s to elect another leader. An address that leaves the list before that stays a Raft voter for ever, and counts against every majority. So no member is removed within ${formatDuration(REPLACED_EVICT_AFTER)} of its last sign of life.`,
    cluster: await until('the death', (view) => stateOf(view, dead.address) === 'down'),
  });
  await pause(PAUSE_MS);

  const replacement = await demo.startNode(dead.id);
  await tell({
    what: `A replacement for ${dead.id} starts at another address, with the same id. It passes the gate, and the list has ${SIZE + 1} members.`,
    why: 'Two of three are live, so Raft has a majority that can add it, and a blank newcomer cannot outvote the nodes that have the data. The dead one is still listed.',
    cluster: await until('the newcomer', (view) => stateOf(view, replacement.address) === 'live'),
  });

  await tell({
    what: 'The replacement has settled.',
    why: 'Every live node has had it on its list, and Raft has made it a voter. Only now does it count as the dead one’s successor; until then nothing else changes.',
    cluster: await until(
      'the newcomer to settle',
      ({ members }) => members.find(({ address }) => address === replacement.address)?.settled === true,
    ),
  });

  const after = await until(
    'the removal of the dead one',
    (view) => stateOf(view, dead.address) === undefined,
  );
  const said = (await seen.events()).find(({ address }) => address === dead.address);
  await tell({
    what: `The dead member is removed: ${said?.reason ?? 'it was evicted'}.`,
    why: `A leader is there to remove it from Raft, a majority has been live for long enough, and the successor has settled. Without a successor it would have taken ${formatDuration(DEFAULT_RULES.evictAfter)} (EVICT_AFTER).`,
    cluster: after,
  });

  const end = await healthy(seen, after.revision);
  await tell({
    what: `The cluster is whole again, and so is Raft: ${end.summary}.`,
    why: 'Only the nodes were fake: the server, its rules and its times are those of every installation. With real nodes this takes some 20 s longer, the time that a Nacos needs to boot.',
  });
}

/** Resolves once the nodes are healthy under this revision of the list or a newer one. */
function healthy(seen: Seen, revision: number): Promise<ClusterHealth> {
  return seenToBe(
    () => seen.health(),
    (health) => health.state === 'healthy' && health.revision >= revision,
    (health) => `Raft did not become healthy: ${health?.summary}`,
  );
}

/**
 * Looks until `isSo` holds. Rejects after {@link TIME_LIMIT_MS} with {@link StoryStuck}, which says what was
 * seen last.
 */
async function seenToBe<T>(
  look: () => Promise<T | undefined>,
  isSo: (seen: T) => boolean,
  whyStuck: (last: T | undefined) => string,
): Promise<T> {
  const end = performance.now() + TIME_LIMIT_MS;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && isSo(seen)) return seen;
    if (performance.now() > end) throw new StoryStuck(whyStuck(seen));
    await pause(POLL_INTERVAL_MS);
  }
}

/** The state of a member; undefined if it is not listed. */
function stateOf({ members }: ClusterView, address: string): MemberView['state'] | undefined {
  return members.find((member) => member.address === address)?.state;
}
