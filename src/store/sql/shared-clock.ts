/** Longest time between two exchanges of any servers that counts as hearing. */
const LONGEST_GAP_MS = 3_000;

/** How far the database's wall clock may go back before it counts as another clock. */
const LONGEST_RETURN_MS = 1_000;

/** The clock as it is stored. */
export interface StoredClock {
  /** The lease clock when it was last written. */
  readonly hearing: number;
  /** The database's wall clock at that moment, milliseconds since 1970; 0 when it was never written. */
  readonly database: number;
}

export interface ClockReading {
  /** The lease clock now. */
  readonly now: number;
  /** How long no server could hear, in milliseconds; 0 usually. */
  readonly missedMs: number;
  /** Whether the database's wall clock is another than before: set back, or that of another machine. */
  readonly isSetBack: boolean;
}

/**
 * The lease clock that all servers share. The database's wall clock moves it on, but only as far as at least one
 * server was there to hear: a gap between two exchanges, of whatever length, adds LONGEST_GAP_MS. So it does not matter
 * when that clock is set, or belongs to another machine after a failover, and the servers' own clocks do not matter at
 * all.
 */
export function readClock({ hearing, database }: StoredClock, databaseNow: number): ClockReading {
  if (database === 0) return { now: hearing, missedMs: 0, isSetBack: true };
  const step = databaseNow - database;
  const isSetBack = step < -LONGEST_RETURN_MS;
  const deaf = step > LONGEST_GAP_MS || isSetBack ? Math.abs(step) : 0;
  return { now: hearing + Math.min(Math.max(step, 0), LONGEST_GAP_MS), missedMs: deaf, isSetBack };
}
