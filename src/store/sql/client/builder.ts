import {
  DummyDriver,
  Kysely,
  MysqlAdapter,
  MysqlIntrospector,
  MysqlQueryCompiler,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
  type Dialect,
  type RawBuilder,
} from 'kysely';
import type { Database } from './database.js';
import type { Tables } from '../../schema.js';

type Name = Database['dialect'];

const DIALECTS: Readonly<Record<Name, Dialect>> = {
  mysql: {
    createAdapter: () => new MysqlAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new MysqlIntrospector(db),
    createQueryCompiler: () => new MysqlQueryCompiler(),
  },
  postgres: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
};

/** Builds statements without running them: {@link Database} runs the result of `.compile()`. */
export function sqlFor(dialect: Name): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: DIALECTS[dialect] });
}

/**
 * SQL for the database's wall clock when it evaluates the expression, not when the transaction began: whole
 * milliseconds since 1970. Correct in MySQL because every connection's time zone is UTC; it uses no function
 * that is limited to 32 bits.
 */
export function nowMs(dialect: Name): RawBuilder<number> {
  return dialect === 'mysql'
    ? sql<number>`(timestampdiff(microsecond, '1970-01-01 00:00:00', sysdate(3)) div 1000)`
    : sql<number>`floor(extract(epoch from clock_timestamp()) * 1000)::bigint`;
}
