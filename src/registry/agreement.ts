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

/** Up to which change a server that has seen `own` itself may promise: all have seen that. */
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

/**
 * The change up to which a server promises next: what it had seen when all had kept the promise before. It stays until
 * these lists are released, so that they are sent for a while even if the lists change all the time. `released` is what
 * the server knew after its exchange before.
 */
export function aim(before: number, seen: number, released: number): number {
  return released >= before ? Math.max(before, seen) : before;
}

/** What a server has promised when the others let it promise up to this change: its aim, or nothing further. */
export function promise(
  before: number,
  { aim, promisable }: { readonly aim: number; readonly promisable: number },
): number {
  return promisable >= aim ? Math.max(before, aim) : before;
}

/** A list of one cluster, as a server has it. */
export interface Version<List> {
  readonly list: List;
  readonly revision: number;
  /** The number of the change that made it; 0 for a first list, which is older than no other. */
  readonly change: number;
  /** No change that replaced it has a lower number; Infinity as long as no such change is known. */
  readonly replacedBy: number;
}

/** The watermarks as one server knows them. `promised` is what it may have told, whether it has arrived or not. */
export interface Watermarks {
  readonly released: number;
  readonly promised: number;
  /** Up to which change the server promises next. */
  readonly aim: number;
}

/** A change that is to be read anew: its list is released by no mark. */
export const UNREAD = Number.MAX_SAFE_INTEGER;

/** The versions of a cluster's list, oldest first, when the server has read or made this one. */
export function learn<List>(
  versions: readonly Version<List>[],
  { list, revision, change }: Pick<Version<List>, 'list' | 'revision' | 'change'>,
): readonly Version<List>[] {
  const before = versions.at(-1);
  if (before === undefined) return [{ list, revision, change, replacedBy: Infinity }];
  const older = versions.slice(0, -1);
  if (before.revision === revision) {
    // Something else about the cluster is new; or a list that the store had lost was written again.
    const first = before.change === UNREAD ? change : Math.min(before.change, change);
    return [...older, { list, revision, change: first, replacedBy: Infinity }];
  }
  // With a revision left out there was another change in between, of which only this is known.
  const replacedBy = revision === before.revision + 1 ? change : before.change + 1;
  return [...older, { ...before, replacedBy }, { list, revision, change, replacedBy: Infinity }];
}

/** The version to send: all may send it, and none that is newer. Undefined when there is none for now. */
export function sendable<List>(
  versions: readonly Version<List>[],
  marks: Pick<Watermarks, 'released' | 'promised'>,
): Version<List> | undefined {
  return versions.findLast(
    ({ change, replacedBy }) => change <= marks.released && replacedBy > marks.promised,
  );
}

/** Leaves out what will never be sent: what is not, nor will be when this server's next promise is kept, nor is the newest. */
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
 * Whether an address that is only on the newest list may be sent that before it is released: when it is the only change after
 * the one that is sent, or another server that has only the first of them would send that later.
 */
export function mayJoin(sent: { readonly revision: number }, newest: { readonly revision: number }): boolean {
  return newest.revision === sent.revision + 1;
}
