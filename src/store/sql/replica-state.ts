import { doOthersKnow, isFollowed, isLost, type Replica } from '../../registry/replicas.js';
import type { StateRow } from './queries.js';
import { readClock, type ClockReading } from './shared-clock.js';

/** The replica that reads. */
export interface OwnReplica {
  readonly id: string;
  readonly token: string;
  /** The one under which it was last entered, if that is another. */
  readonly enteredToken?: string | undefined;
}

/** What the clock and the replicas' rows say at one moment, as one of the replicas reads them. */
export class ReplicaState {
  readonly clock: ClockReading;
  readonly graceUntil: number;
  /** The number of the last change. */
  readonly changes: number;
  readonly databaseMs: number;
  readonly storedDatabaseMs: number;
  /** Whether the reader's own row is there, and its own. */
  readonly isEntered: boolean;
  /** The change that the reader's own row says it has; undefined when there is no such row. */
  readonly ownChange: number | undefined;
  /** Whether another process has the reader's name. */
  readonly isTaken: boolean;
  /** The token of whoever has the reader's name. */
  readonly holder: string | undefined;
  /** Those that count. */
  readonly others: readonly Replica[];
  /** Those that nobody waits for any more, with their tokens. */
  readonly lost: readonly (Replica & { readonly token: string })[];

  /** Throws when the clock's row is missing. */
  constructor(rows: readonly StateRow[], own: OwnReplica) {
    const first = rows[0];
    if (!first) throw new Error('the clock’s row is missing');
    this.clock = readClock({ hearing: first.hearing_ms, database: first.database_ms }, first.now_ms);
    this.graceUntil = first.grace_until;
    this.changes = first.changes;
    this.databaseMs = first.now_ms;
    this.storedDatabaseMs = first.database_ms;
    const entered = rows.flatMap(({ id, token, seen_at, seen_change }) =>
      id === null || token === null
        ? []
        : [{ id, token, seenAt: seen_at ?? 0, seenChange: seen_change ?? 0 }],
    );
    this.ownChange = entered.find(({ id, token }) => id === own.id && token === own.token)?.seenChange;
    this.isEntered = this.ownChange !== undefined;
    this.holder = entered.find(({ id }) => id === own.id)?.token;
    this.isTaken = this.holder !== undefined && this.holder !== own.token && this.holder !== own.enteredToken;
    const others = entered.filter(({ id }) => id !== own.id);
    this.others = others.filter((other) => !isLost(other, this.clock.now));
    this.lost = others.filter((other) => isLost(other, this.clock.now));
  }

  /** Whether another server may not have the change of a list yet; 0 stands for a list that needs nobody's knowing. */
  isPending(listChange: number): boolean {
    return listChange > 0 && !isFollowed(this.others, listChange, this.clock.now);
  }

  /** See Moment.othersKnow; undefined without others. */
  othersKnow(change: number): boolean | undefined {
    return this.others.length === 0 ? undefined : doOthersKnow(this.others, change, this.clock.now);
  }
}
