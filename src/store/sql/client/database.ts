/** A statement as compiled by kysely, with the dialect's own placeholders. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** One connection, inside a transaction or for a single statement. */
export interface Session {
  /**
   * Runs a statement within {@link STATEMENT_LIMIT_MS} and returns its rows, none if it only writes. 64-bit
   * integers become numbers. Rejects with {@link DatabaseError}.
   */
  run<R = unknown>(statement: Statement): Promise<readonly R[]>;
}

/**
 * A database server behind a small connection pool. Every wait is bounded: a connection that exceeds a limit
 * is closed, so a slow or dead server never holds up a caller for longer. `run` executes one statement, which
 * commits by itself.
 */
export interface Database extends Session {
  readonly dialect: 'mysql' | 'postgres';
  /** For people, without credentials: `MySQL 10.0.0.5:3306/nacos_config`. */
  readonly name: string;
  /** Statements sent so far, BEGIN and COMMIT included, those that prepare a new connection excluded. */
  readonly statements: number;
  /**
   * Runs a READ COMMITTED transaction. Commits when the work resolves and rolls back when it rejects. Takes
   * at most `limit` milliseconds, from the wait for a connection to the commit. After a DatabaseError of the
   * commit it is unknown whether the commit was made.
   */
  transaction<T>(limit: number, work: (session: Session) => Promise<T>): Promise<T>;
  /**
   * Runs statements on one connection, each committed by itself. Either the same database answers all of
   * them, or those after a failure are not run; after a failover, other connections may lead to an older
   * copy.
   */
  together<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /**
   * Runs schema changes on a separate connection, under a lock that holds across machines. Waits for the lock
   * at most one minute. Statements have no time limit.
   */
  exclusively<T>(work: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Time limit of one statement, in milliseconds. */
export const STATEMENT_LIMIT_MS = 900;

/**
 * How long the database server waits for an idle client before it ends the session and frees its locks, in
 * milliseconds (whole seconds). More than a decision takes, and short enough to wait for when a server of
 * this program hangs.
 */
export const SILENCE_LIMIT_MS = 2_000;

/** Like {@link SILENCE_LIMIT_MS}, but during schema changes, whose statements have no time limit. */
export const SCHEMA_SILENCE_LIMIT = 60_000;

export type DatabaseErrorKind =
  /**
   * No connection, a lost one, a time limit, or a server that is starting, stopping, full or read-only: it
   * may pass. A write may or may not have been made, and may still be made a little later (MySQL has no time
   * limit for writes). So every write must tolerate being late or repeated.
   */
  | 'unavailable'
  /**
   * A COMMIT was sent but not answered, so the transaction may have been made. Otherwise like `unavailable`.
   */
  | 'unknown'
  /** Wrong password, no such database, a missing right or table: an operator must act. */
  | 'misconfigured'
  /**
   * A deadlock, a lock that was not free in time, or a serialisation failure: nothing was changed, so try
   * again.
   */
  | 'conflict'
  /** The server rejected a statement: a bug. */
  | 'rejected';

/**
 * Why a statement failed. The message says what was found, at which database, and what to do; it never has a
 * password.
 */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  readonly kind: DatabaseErrorKind;

  constructor(kind: DatabaseErrorKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}
