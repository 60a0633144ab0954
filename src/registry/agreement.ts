import { REPLICA_LOST_AFTER } from './rules.js';

/*
 * How several servers on one store come to agree on a change of a list. The rules as pure functions of plain data: the
 * store, the running server and the model that checks them (test/registry/simulation/agreement-model.ts) call the same
 * ones. docs/internals/agreement.md tells the whole, and why it holds.
 *
 * Each change has a number. Three watermarks follow the numbers, and each is at most what every server has said of the
 * one before:
 *
 *   seen      of each server: it has every change up to there.
 *   promised  of each server: nobody is sent a list by it that one of these changes has replaced. All have seen them.
 *   released  in the store: these may be sent. All have promised them.
 *
 * All is whoever has a row that is not revoked.
 */

/** A server of the same lists, as its row in the store says. */
export interface Replica {
  readonly id: string;
  /** Which process has the row. */
  readonly token: string;
  /** What it heard until then is stored, and it has what was decided until then. */
  readonly seenAt: number;
  /** It has every change up to this one. */
  readonly seenChange: number;
  /** It sends no list that a change up to this one has replaced. */
  readonly promised: number;
  /** Since when nobody waits for it any more, until it enters anew; 0 while all wait. */
  readonly revokedAt: number;
}

/** Whether the others wait for it. */
export function counts({ revokedAt }: Pick<Replica, 'revokedAt'>): boolean {
  return revokedAt === 0;
}

/**
 * Whether its row may be revoked: by one that names the `seenAt` that it read, so that a server that has come back in
 * between stays. It has stopped by itself long before (LIST_CURRENT).
 */
export function isOverdue({ seenAt }: Pick<Replica, 'seenAt'>, now: number): boolean {
  return now - seenAt > REPLICA_LOST_AFTER;
}

/** Up to which change a server that has seen `own` itself may promise, and then must keep it: all have seen that. */
export function promisable(
  others: readonly Pick<Replica, 'seenChange' | 'revokedAt'>[],
  own: number,
): number {
  return others.reduce((least, other) => (counts(other) ? Math.min(least, other.seenChange) : least), own);
}

/** Up to which change the lists may be sent: all have promised that. The store computes it from its own rows. */
export function releasable(replicas: readonly Pick<Replica, 'promised' | 'revokedAt'>[]): number {
  const promised = replicas.filter(counts).map((replica) => replica.promised);
  return promised.length === 0 ? 0 : Math.min(...promised);
}

/** What becomes of the newest list that a server has. */
export type Phase =
  /** All may send it, and nobody sends an older one. */
  | 'released'
  /** Not every server knows of it: the one before is sent. */
  | 'decided'
  /** All know of it, and some server may have been told that it is released: neither is sent. */
  | 'promised';

/** The newest list that a server has, and the first change that some server may not have. */
export interface Held {
  readonly revision: number;
  /** The number of the change that made it; 0 for a first list, which is older than no other. */
  readonly listChange: number;
  readonly phase: Phase;
  /**
   * No change that replaced the list before has a lower number; 0 when the list before is not known here. Of no meaning
   * when it is released.
   */
  readonly since: number;
}

/** The watermarks as one server knows them. `promised` is what it may have told, whether it has arrived or not. */
export interface Watermarks {
  readonly released: number;
  readonly promised: number;
}

/** The server has read or made a list; `before` is what it had. */
export function hold(
  before: Held | undefined,
  { revision, listChange }: Pick<Held, 'revision' | 'listChange'>,
  marks: Watermarks,
): Held {
  if (listChange <= marks.released) return { revision, listChange, phase: 'released', since: 0 };
  const since = firstChange(before, { revision, listChange });
  return { revision, listChange, phase: phaseOf(since, marks), since };
}

/** The watermarks have moved. */
export function follow(held: Held, marks: Watermarks): Held {
  const { listChange, since } = held;
  if (held.phase === 'released') return held;
  if (listChange <= marks.released) return { ...held, phase: 'released', since: 0 };
  const phase = held.phase === 'promised' ? 'promised' : phaseOf(since, marks);
  return phase === held.phase ? held : { ...held, phase };
}

/** The lowest number that the change after the list before may have. */
function firstChange(before: Held | undefined, next: Pick<Held, 'revision' | 'listChange'>): number {
  if (before === undefined) return 0;
  if (before.phase !== 'released') return before.since;
  // With a revision left out there was another change in between, of which only this is known.
  return next.revision <= before.revision + 1 ? next.listChange : before.listChange + 1;
}

function phaseOf(since: number, { released, promised }: Watermarks): Phase {
  return since <= Math.max(released, promised) ? 'promised' : 'decided';
}

/**
 * Whether one that is only on the newest list may be sent it before it is released: when it is the only change after
 * the list before, or another server that has only the first of them would send that later.
 */
export function mayJoin(before: Pick<Held, 'revision'>, newest: Pick<Held, 'revision'>): boolean {
  return newest.revision === before.revision + 1;
}
