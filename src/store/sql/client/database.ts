/** A statement as kysely compiles it. Placeholders are the dialect's own. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** One connection, inside a transaction or for a single statement. */
export interface Session {
  /**
   * Runs a statement within {@link STATEMENT_LIMIT_MS} and returns its rows, none for one that only writes. 64-bit
   * integers come as numbers. Rejects with {@link DatabaseError}.
   */
  run<R = unknown>(statement: Statement): Promise<readonly R[]>;
}

/**
 * A database server, with a small pool of connections behind it. Every wait is bounded: a connection that is late is
 * closed, so a server that is slow or gone never holds up a caller for longer than a limit. `run` is one statement
 * that commits by itself.
 */
export interface Database extends Session {
  readonly dialect: 'mysql' | 'postgres';
  /** For people, without credentials: `MySQL 10.0.0.5:3306/nacos_config`. */
  readonly name: string;
  /** Statements sent so far, BEGIN and COMMIT included, those that prepare a new connection not. */
  readonly statements: number;
  /**
   * READ COMMITTED. Commits when the work resolves and rolls back when it rejects; takes at most `limit`
   * milliseconds from the wait for a connection to the commit. After a DatabaseError of a commit it is not known
   * whether the commit was made.
   */
  transaction<T>(limit: number, work: (session: Session) => Promise<T>): Promise<T>;
  /**
   * Statements on one connection, each of which commits by itself: all of them are answered by one and the same database, or
   * those after a failure are not run. Other connections may lead to an older copy after a failover.
   */
  together<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /**
   * A connection of its own for changes of the schema, while nobody else who calls this is inside (on any machine):
   * waits for the others for at most a minute. Statements have no limit.
   */
  exclusively<T>(work: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** How long one statement may take. */
export const STATEMENT_LIMIT_MS = 900;

/**
 * How long a server waits for a client that says nothing before it ends the session and frees what that has locked, in
 * whole seconds of milliseconds. More than a decision takes; less than anybody wants to wait for a server that hangs.
 */
export const SILENCE_LIMIT_MS = 2_000;

/** The same while the schema is changed, where each statement may take as long as it takes. */
export const SCHEMA_SILENCE_LIMIT = 60_000;

export type DatabaseErrorKind =
  /**
   * No connection, a lost one, a time limit, a server that starts, stops, is full or read-only: it may pass. Whether a
   * write was made is then not known, and it may still be made a little later (MySQL has no limit for the time of a
   * write): every write is such that being late, or made twice, does no harm.
   */
  | 'unavailable'
  /** A transaction whose COMMIT was sent and not answered: it may have been made. Otherwise as `unavailable`. */
  | 'unknown'
  /** Wrong password, no such database, a missing right or table: somebody must act. */
  | 'misconfigured'
  /** A deadlock, a lock that was not free in time, a serialisation failure: nothing was changed, try again. */
  | 'conflict'
  /** A statement that the server does not accept: a bug. */
  | 'rejected';

/** Why a statement failed: what was found, at which database, and what to do; never a password. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  readonly kind: DatabaseErrorKind;

  constructor(kind: DatabaseErrorKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}
