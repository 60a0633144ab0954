import pg from 'pg';
import { Connection, type Purpose } from './connection.js';
import { SCHEMA_SILENCE_LIMIT, SILENCE_LIMIT_MS, type Database, type Statement } from './database.js';
import { SCHEMA_LOCK_LIMIT_MS, statement, type Driver, type SchemaLock } from './driver.js';
import { explainPostgres, LOCK_NOT_AVAILABLE } from './postgres-errors.js';
import { nameOf, tlsOptions, type ServerAddress } from './server-address.js';
import { ServerDatabase } from './server-database.js';

/** Client for PostgreSQL 13 and later. Connects with the first statement. */
export function connectPostgres(address: ServerAddress): Database {
  return new ServerDatabase(new PostgresDriver(address));
}

/** Key of the advisory lock in the database: "NAsr", as in the SQLite file. */
const LOCK_KEY = 0x4e417372;

class PostgresDriver implements Driver {
  readonly dialect = 'postgres';
  readonly name: string;
  readonly begin = statement('BEGIN ISOLATION LEVEL READ COMMITTED');
  readonly schemaLock: SchemaLock = {
    take: [
      statement(`SET lock_timeout = ${SCHEMA_LOCK_LIMIT_MS}`),
      statement('SELECT pg_advisory_lock($1)', LOCK_KEY),
      // The wait for a table in use has no limit.
      statement('SET lock_timeout = 0'),
    ],
    isTaken: (result) =>
      'error' in result && (result.error as { code?: unknown } | undefined)?.code === LOCK_NOT_AVAILABLE,
    release: statement('SELECT pg_advisory_unlock($1)', LOCK_KEY),
  };
  readonly #address: ServerAddress;

  constructor(address: ServerAddress) {
    this.#address = address;
    this.name = nameOf(address);
  }

  open(purpose: Purpose): Connection {
    return new PostgresConnection(this.#address, purpose);
  }

  explain(error: unknown) {
    return explainPostgres(this.name, error);
  }
}

/**
 * The server's time limits. A session whose client died or hangs in a transaction must not keep its locks,
 * whether the client sends nothing or reads no answer (tcp_user_timeout). Statement limits are shorter than
 * the client's own, so usually the server's answer ends the wait and the connection stays usable. Lock waits
 * end first, to tell them from a slow server. The limits are set by a statement because poolers may refuse
 * them as connection parameters.
 */
const LIMITS: Readonly<Record<Purpose, string>> = {
  work: [
    'SET statement_timeout = 850',
    'SET lock_timeout = 800',
    `SET idle_in_transaction_session_timeout = ${SILENCE_LIMIT_MS}`,
    `SET tcp_user_timeout = ${SILENCE_LIMIT_MS}`,
  ].join('; '),
  schema: [
    'SET statement_timeout = 0',
    `SET idle_in_transaction_session_timeout = ${SCHEMA_SILENCE_LIMIT}`,
    // The session holds the lock and may hang between two transactions. PostgreSQL 13 has no limit for that.
    `SELECT set_config('idle_session_timeout', '${SCHEMA_SILENCE_LIMIT}', false) WHERE current_setting('server_version_num')::int >= 140000`,
  ].join('; '),
};

/** OIDs of int8 and numeric, which the driver leaves as text. */
const NUMBERS: ReadonlySet<number> = new Set([20, 1700]);

function getTypeParser(
  oid: pg.CustomTypesConfig extends { getTypeParser: (oid: infer T) => unknown } ? T : never,
  format?: 'text' | 'binary',
): (text: string) => unknown {
  return NUMBERS.has(oid) ? Number : (pg.types.getTypeParser(oid, format) as (text: string) => unknown);
}

class PostgresConnection extends Connection {
  readonly ready: Promise<void>;
  readonly #client: pg.Client;

  constructor(address: ServerAddress, purpose: Purpose) {
    super(address.host, address.port);
    const { host, port, user, password, database, tls } = address;
    this.#client = new pg.Client({
      // The driver calls connect() itself, but this socket is connecting already.
      stream: () => Object.assign(this.socket, { connect: () => this.socket }),
      host,
      port,
      user,
      // Without a password the driver would look for a password file.
      password: password ?? '',
      database,
      ssl: tls === undefined ? false : tlsOptions(tls, host),
      application_name: 'nacos-address-server',
      types: { getTypeParser },
    });
    // Errors of idle connections arrive here too; the next statement gets another connection.
    this.#client.on('error', () => this.destroy());
    this.ready = this.#prepare(purpose);
  }

  async query({ sql, parameters }: Statement): Promise<readonly unknown[]> {
    const { rows } = await this.#client.query<Record<string, unknown>>(sql, [...parameters]);
    return rows;
  }

  protected sayGoodbye(): void {
    this.#client.end().catch(() => this.destroy());
  }

  async #prepare(purpose: Purpose): Promise<void> {
    await this.#client.connect();
    await this.#client.query(LIMITS[purpose]);
  }
}
