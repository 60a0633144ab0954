import { REPLICA_LOST_AFTER } from './rules.js';

/*
 * How several servers on one store agree on a change of a list. The rules are pure functions of plain data.
 * The store, the running server and the model that checks them (test/registry/simulation/agreement-model.ts)
 * call the same functions. docs/internals/agreement.md describes the whole, and why it holds.
 *
 * Each change has a number. Three watermarks follow the numbers. None is higher than what every server has
 * reached of the one before:
 *
 *   seen      of each server: it has every change up to this one.
 *   promised  of each server: it sends no list that a change up to this one has replaced. All have seen it.
 *   released  in the store: lists up to this change may be sent. All have promised it.
 *
 * "All" are the servers with a row that is not revoked.
 */

/** One of the servers that keep the same lists, as its row in the store describes it. */
export interface Replica {
  readonly id: string;
  /** Identifies the process that owns the row. */
  readonly token: string;
  /** Up to this time, everything that it heard is stored, and it has every decision. */
  readonly seenAt: number;
  /** It has every change up to this one. */
  readonly seenChange: number;
  /** It sends no list that a change up to this one has replaced. */
  readonly promised: number;
  /** When the others stopped waiting for it, until it enters again; 0 while they wait. */
  readonly revokedAt: number;
}

/** Whether the other servers wait for it. */
export function counts({ revokedAt }: Pick<Replica, 'revokedAt'>): boolean {
  return revokedAt === 0;
}

/**
 * Whether its row may be revoked. The revoking server names the `seenAt` that it read, so a server that came
 * back in between stays. The revoked server stopped sending lists long before (LIST_CURRENT).
 */
export function isOverdue({ seenAt }: Pick<Replica, 'seenAt'>, now: number): boolean {
  return now - seenAt > REPLICA_LOST_AFTER;
}

/** The change up to which a server that has seen `own` may promise: every server has seen that one. */
export function promisable(
  others: readonly Pick<Replica, 'seenChange' | 'revokedAt'>[],
  own: number,
): number {
  return others.reduce((least, other) => (counts(other) ? Math.min(least, other.seenChange) : least), own);
}

/**
 * The change up to which lists may be sent: every server has promised it. The store computes it from its own
 * rows.
 */
export function releasable(replicas: readonly Pick<Replica, 'promised' | 'revokedAt'>[]): number {
  const promised = replicas.filter(counts).map((replica) => replica.promised);
  return promised.length === 0 ? 0 : Math.min(...promised);
}

/**
 * The change up to which a server promises next: the newest that it had seen when all servers had kept the
 * previous promise. It stays until these lists are released, so they are sent for a while even if the lists
 * change all the time. `released` is what the server knew after its previous sync.
 */
export function aim(before: number, seen: number, released: number): number {
  return released >= before ? Math.max(before, seen) : before;
}

/**
 * What a server has promised once the others let it promise up to `promisable`: its aim, or no more than
 * before.
 */
export function promise(
  before: number,
  { aim, promisable }: { readonly aim: number; readonly promisable: number },
): number {
  return promisable >= aim ? Math.max(before, aim) : before;
}

/** One version of a cluster's list, as a server has it. */
export interface Version<List> {
  readonly list: List;
  readonly revision: number;
  /** The number of the change that made the list; 0 for a first list, which is older than no other. */
  readonly change: number;
  /** The lowest number that the change which replaced it can have; Infinity while no such change is known. */
  readonly replacedBy: number;
}

/**
 * The watermarks as one server knows them. `promised` is what it may have announced, whether or not that
 * arrived.
 */
export interface Watermarks {
  readonly released: number;
  readonly promised: number;
  /** The change up to which the server promises next. */
  readonly aim: number;
}

/** The number of a change that must be read again: no watermark releases its list. */
export const UNREAD = Number.MAX_SAFE_INTEGER;

/** Adds a version that the server has read or made to the versions of a cluster's list, oldest first. */
export function learn<List>(
  versions: readonly Version<List>[],
  { list, revision, change }: Pick<Version<List>, 'list' | 'revision' | 'change'>,
): readonly Version<List>[] {
  const before = versions.at(-1);
  if (before === undefined) return [{ list, revision, change, replacedBy: Infinity }];
  const older = versions.slice(0, -1);
  if (before.revision === revision) {
    // The cluster changed in some other way, or a list that the store had lost was written again.
    const first = before.change === UNREAD ? change : Math.min(before.change, change);
    return [...older, { list, revision, change: first, replacedBy: Infinity }];
  }
  // A skipped revision means another change in between, of which only this bound is known.
  const replacedBy = revision === before.revision + 1 ? change : before.change + 1;
  return [...older, { ...before, replacedBy }, { list, revision, change, replacedBy: Infinity }];
}

/**
 * The version to send: every server may send it, and none may send a newer one. Undefined when there is none
 * for now.
 */
export function sendable<List>(
  versions: readonly Version<List>[],
  marks: Pick<Watermarks, 'released' | 'promised'>,
): Version<List> | undefined {
  return versions.findLast(
    ({ change, replacedBy }) => change <= marks.released && replacedBy > marks.promised,
  );
}

/**
 * Drops versions that will never be sent. Keeps the newest, and those that are or will be sendable once this
 * server's next promise is kept.
 */
export function requiredVersions<List>(
  versions: readonly Version<List>[],
  { promised, aim }: Pick<Watermarks, 'promised' | 'aim'>,
): readonly Version<List>[] {
  const kept = versions.filter(
    ({ change, replacedBy }, i) => i === versions.length - 1 || (replacedBy > promised && change <= aim),
  );
  return kept.length === versions.length ? versions : kept;
}

/**
 * Whether an address that is only on the newest list may be sent that list before it is released. It may when
 * that list is the only change after the one that is sent. Otherwise a server that has only the first of
 * several changes would send that older list later.
 */
export function mayJoin(sent: { readonly revision: number }, newest: { readonly revision: number }): boolean {
  return newest.revision === sent.revision + 1;
}
