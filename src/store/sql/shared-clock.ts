/** The longest pause between exchanges of any servers that still counts as hearing. */
const LONGEST_GAP_MS = 3_000;

/** How far the database's wall clock may go back and still count as the same clock. */
const LONGEST_RETURN_MS = 1_000;

/** The stored clock. */
export interface StoredClock {
  /** The lease clock at the last write. */
  readonly hearing: number;
  /** The database's wall clock at that moment, milliseconds since 1970; 0 if never written. */
  readonly database: number;
}

export interface ClockReading {
  /** The lease clock now. */
  readonly now: number;
  /** How long no server could receive polls, in milliseconds; usually 0. */
  readonly missedMs: number;
  /** Whether the database's wall clock was set back or is another machine's. */
  readonly isSetBack: boolean;
}

/**
 * Reads the lease clock that all servers share. The database's wall clock drives it, but only while at least
 * one server could receive polls: any longer gap between two exchanges adds LONGEST_GAP_MS. So setting that
 * clock, or moving to another machine's in a failover, does no harm, and the servers' own clocks do not
 * matter.
 */
export function readClock({ hearing, database }: StoredClock, databaseNow: number): ClockReading {
  if (database === 0) return { now: hearing, missedMs: 0, isSetBack: true };
  const step = databaseNow - database;
  const isSetBack = step < -LONGEST_RETURN_MS;
  const deaf = step > LONGEST_GAP_MS || isSetBack ? Math.abs(step) : 0;
  return { now: hearing + Math.min(Math.max(step, 0), LONGEST_GAP_MS), missedMs: deaf, isSetBack };
}
