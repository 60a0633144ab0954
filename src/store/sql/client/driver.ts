import type { Connection, Purpose } from './connection.js';
import type { Database, DatabaseError, Statement } from './database.js';

/** What differs between MySQL and PostgreSQL. */
export interface Driver {
  readonly dialect: Database['dialect'];
  /** See {@link Database.name}. */
  readonly name: string;
  /** Begins a transaction that is READ COMMITTED. */
  readonly begin: Statement;
  /** A lock that a session has until it ends or unlocks; nobody else gets it meanwhile, on any machine. */
  readonly schemaLock: SchemaLock;
  /** Starts to connect; the purpose's limits are set when it is ready. */
  open(purpose: Purpose): Connection;
  /** Says in a sentence what a driver's error means. */
  explain(error: unknown): DatabaseError;
}

export interface SchemaLock {
  /** Statements that wait for the lock for at most SCHEMA_LOCK_LIMIT_MS; they are run one by one. */
  readonly take: readonly Statement[];
  /** Whether the rows of the last one, or the error of any of them, say that somebody else had it all the time. */
  isTaken(result: { readonly rows: readonly unknown[] } | { readonly error: unknown }): boolean;
  readonly release: Statement;
}

/** How long a change of the schema waits for another one. */
export const SCHEMA_LOCK_LIMIT_MS = 60_000;

export function statement(sql: string, ...parameters: readonly unknown[]): Statement {
  return { sql, parameters };
}
