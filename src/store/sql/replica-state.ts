import { counts, isOverdue, promisable, type Replica } from '../../registry/agreement.js';
import { doOthersKnow } from '../../registry/replicas.js';
import type { StateRow } from './queries.js';
import { readClock, type ClockReading } from './shared-clock.js';

/** How long the row of a revoked replica, or of one that left, is kept. Until then no other server considers itself alone. */
const REVOKED_KEPT_MS = 24 * 3_600_000;

/** The replica that reads the state. */
export interface OwnReplica {
  readonly id: string;
  readonly token: string;
  /** The token under which it was last entered, if that is another. */
  readonly enteredToken?: string | undefined;
}

/** A replica's row. */
export interface ReplicaRow extends Replica {
  readonly written: number;
}

/** The clock and the replicas at one moment, as one of them reads them. */
export class ReplicaState {
  readonly clock: ClockReading;
  readonly graceUntil: number;
  /** The number of the last change. */
  readonly changes: number;
  /** Lists of changes up to this one may be sent. */
  readonly released: number;
  readonly databaseMs: number;
  readonly storedDatabaseMs: number;
  /** The reader's own row; undefined if there is none or it belongs to another process. */
  readonly own: ReplicaRow | undefined;
  /** Whether another process has the reader's name. */
  readonly isTaken: boolean;
  /** The token in the row with the reader's name. */
  readonly holder: string | undefined;
  /** Whether there is no other row, not even a revoked one: no other server can have sent another list. */
  readonly isAlone: boolean;
  /** The other replicas that this one waits for. */
  readonly others: readonly ReplicaRow[];
  /** Those of the others that should be revoked. */
  readonly overdue: readonly ReplicaRow[];
  /** Rows revoked before this time are forgotten; undefined if there are none. */
  readonly forgetsBefore: number | undefined;

  /** Throws when the clock's row is missing. */
  constructor(rows: readonly StateRow[], own: OwnReplica) {
    const first = rows[0];
    if (!first) throw new Error('the clock’s row is missing');
    this.clock = readClock({ hearing: first.hearing_ms, database: first.database_ms }, first.now_ms);
    this.graceUntil = first.grace_until;
    this.changes = first.changes;
    this.released = first.released;
    this.databaseMs = first.now_ms;
    this.storedDatabaseMs = first.database_ms;
    const { now } = this.clock;
    const before = now - REVOKED_KEPT_MS;
    const others: ReplicaRow[] = [];
    let holder: ReplicaRow | undefined;
    let isAlone = true;
    let isForgotten = false;
    for (const row of rows) {
      const replica = replicaOf(row);
      if (replica === undefined) continue;
      if (replica.id === own.id) {
        holder = replica;
        continue;
      }
      isAlone = false;
      if (counts(replica)) others.push(replica);
      else if (replica.revokedAt < before) isForgotten = true;
    }
    this.own = holder?.token === own.token ? holder : undefined;
    this.holder = holder?.token;
    this.isTaken = this.holder !== undefined && this.holder !== own.token && this.holder !== own.enteredToken;
    this.isAlone = isAlone;
    this.others = others;
    this.overdue = others.filter((other) => isOverdue(other, now));
    this.forgetsBefore = isForgotten ? before : undefined;
  }

  /** Whether the reader may keep what it has: its own row is there, and the others wait for it. */
  get isEntered(): boolean {
    return this.own !== undefined && counts(this.own);
  }

  /** The last change that the reader may promise if it has every change up to `seen`. */
  promisable(seen: number): number {
    return promisable(this.others, seen);
  }

  /** Whether the others know a change; undefined without others. */
  othersKnow(change: number): boolean | undefined {
    return this.others.length === 0 ? undefined : doOthersKnow(this.others, change, this.clock.now);
  }
}

/** A row's replica; undefined if no replica is entered. */
function replicaOf({
  id,
  token,
  seen_at,
  seen,
  promised,
  revoked_at,
  written,
}: StateRow): ReplicaRow | undefined {
  if (id === null || token === null) return undefined;
  return {
    id,
    token,
    seenAt: seen_at ?? 0,
    seenChange: seen ?? 0,
    promised: promised ?? 0,
    revokedAt: revoked_at ?? 0,
    written: written ?? 0,
  };
}
