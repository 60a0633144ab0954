import type { Connection, Purpose } from './connection.js';
import type { Database, DatabaseError, Statement } from './database.js';

/** The differences between MySQL and PostgreSQL. */
export interface Driver {
  readonly dialect: Database['dialect'];
  /** Name for people; see {@link Database.name}. */
  readonly name: string;
  /** Begins a READ COMMITTED transaction. */
  readonly begin: Statement;
  /** The lock for schema changes. One session holds it, across machines, until it unlocks or ends. */
  readonly schemaLock: SchemaLock;
  /** Starts connecting. The purpose's limits are set once it is ready. */
  open(purpose: Purpose): Connection;
  /** Translates a driver's error into a sentence for operators. */
  explain(error: unknown): DatabaseError;
}

export interface SchemaLock {
  /** Statements that take the lock, run one by one; they wait at most SCHEMA_LOCK_LIMIT_MS. */
  readonly take: readonly Statement[];
  /** Whether the last statement's rows, or the error of any, show that another session kept the lock. */
  isTaken(result: { readonly rows: readonly unknown[] } | { readonly error: unknown }): boolean;
  readonly release: Statement;
}

/** How long a schema change waits for another one. */
export const SCHEMA_LOCK_LIMIT_MS = 60_000;

export function statement(sql: string, ...parameters: readonly unknown[]): Statement {
  return { sql, parameters };
}
