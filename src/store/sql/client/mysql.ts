import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { createConnection, type Connection as Client, type QueryError } from 'mysql2';
import { Connection, type Purpose } from './connection.js';
import { SCHEMA_SILENCE_LIMIT, SILENCE_LIMIT_MS, type Database, type Statement } from './database.js';
import { SCHEMA_LOCK_LIMIT_MS, statement, type Driver, type SchemaLock } from './driver.js';
import { explainMysql } from './mysql-errors.js';
import { nameOf, type ServerAddress } from './server-address.js';
import { ServerDatabase } from './server-database.js';

/** Client for MySQL 5.7 and later and MariaDB 10.6 and later. Connects with the first statement. */
export function connectMysql(address: ServerAddress): Database {
  return new ServerDatabase(new MysqlDriver(address));
}

class MysqlDriver implements Driver {
  readonly dialect = 'mysql';
  readonly name: string;
  readonly begin = statement('START TRANSACTION');
  readonly schemaLock: SchemaLock;
  readonly #address: ServerAddress;

  constructor(address: ServerAddress) {
    this.#address = address;
    this.name = nameOf(address);
    // The lock spans the whole server, so its name includes the database.
    const lock = lockName(address.database);
    this.schemaLock = {
      take: [statement('SELECT GET_LOCK(?, ?) AS taken', lock, SCHEMA_LOCK_LIMIT_MS / 1_000)],
      isTaken: (result) =>
        'rows' in result && (result.rows[0] as { taken?: unknown } | undefined)?.taken === 0,
      release: statement('SELECT RELEASE_LOCK(?)', lock),
    };
  }

  open(purpose: Purpose): Connection {
    return new MysqlConnection(this.#address, purpose);
  }

  explain(error: unknown) {
    return explainMysql(this.name, error);
  }
}

/** The lock's name; MySQL allows at most 64 characters. */
function lockName(database: string): string {
  const name = `address_server_migrate:${database}`;
  return name.length <= 64
    ? name
    : `address_server_migrate:${createHash('md5').update(database).digest('hex')}`;
}

/** Session settings that must not depend on the server's defaults. */
const SESSION = [
  'NAMES utf8mb4',
  // nowMs() relies on it.
  `SESSION time_zone = '+00:00'`,
  // Strict, and with the backslash as escape, which the driver relies on when it inserts values.
  `SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'`,
];

/**
 * Sets how long the server waits for the next statement, for the rest of one, and for an answer to be read.
 */
function silence(ms: number): string {
  return ['wait', 'net_read', 'net_write']
    .map((name) => `SESSION ${name}_timeout = ${ms / 1_000}`)
    .join(', ');
}

/**
 * The server's time limits. A session whose client died or hangs in a transaction must not keep its locks;
 * MySQL has no limit for idle transactions, so there it applies to all idle sessions. Statement limits are
 * shorter than the client's own, so usually the server's answer ends the wait and the connection stays
 * usable. MariaDB's limit covers all statements, MySQL's only SELECT. Settings that only one of the two knows
 * are in comments that the other skips.
 */
const LIMITS: Readonly<Record<Purpose, string>> = {
  work: [
    [
      ...SESSION,
      'SESSION innodb_lock_wait_timeout = 1',
      'SESSION lock_wait_timeout = 1',
      silence(SILENCE_LIMIT_MS),
    ].join(', '),
    `/*M!100301 , SESSION idle_transaction_timeout = ${SILENCE_LIMIT_MS / 1_000}, SESSION max_statement_time = 0.85 */`,
    '/*!50708 , SESSION max_execution_time = 850 */',
  ].join(' '),
  schema: [
    [...SESSION, 'SESSION lock_wait_timeout = 60', silence(SCHEMA_SILENCE_LIMIT)].join(', '),
    '/*M!100301 , SESSION max_statement_time = 0 */',
    '/*!50708 , SESSION max_execution_time = 0 */',
  ].join(' '),
};

class MysqlConnection extends Connection {
  readonly ready: Promise<void>;
  readonly #client: Client;

  constructor(address: ServerAddress, purpose: Purpose) {
    super(address.host, address.port);
    const { host, user, password, database, tls } = address;
    this.#client = createConnection({
      stream: () => this.socket,
      // mysql2 checks the certificate against this name, but against `localhost` if it is an IP address. With
      // a final dot mysql2 takes it for a name, while Node.js ignores the dot and takes it for the address.
      host: isIP(host) === 0 ? host : `${host}.`,
      user,
      ...(password === undefined ? {} : { password }),
      database,
      ...(tls === undefined
        ? {}
        : {
            ssl: {
              rejectUnauthorized: tls.verify !== 'require',
              verifyIdentity: tls.verify === 'verify-full',
              ...(tls.ca === undefined ? {} : { ca: tls.ca }),
              ...(tls.cert === undefined ? {} : { cert: tls.cert }),
              ...(tls.key === undefined ? {} : { key: tls.key }),
            },
          }),
      charset: 'utf8mb4_general_ci',
      connectAttributes: { program_name: 'nacos-address-server' },
      // Callers that wait for the connection have their own limit, and close the socket.
      connectTimeout: 0,
      // SUM and similar functions return decimals.
      decimalNumbers: true,
    });
    // Errors of idle connections arrive here too; the next statement gets another connection.
    this.#client.on('error', () => this.destroy());
    this.ready = this.#prepare(purpose);
  }

  async query({ sql, parameters }: Statement): Promise<readonly unknown[]> {
    // Prepared statements would cost a second round trip each, and MySQL 8 rejects number parameters in some
    // places.
    const values = parameters.map(checked);
    return new Promise((resolve, reject) => {
      this.#client.query({ sql, values }, (error: QueryError | null, result: unknown) => {
        if (error) reject(error);
        // The driver makes a class for each statement's rows, so copy them into plain objects.
        else resolve(Array.isArray(result) ? result.map((row: object) => ({ ...row })) : []);
      });
    });
  }

  protected sayGoodbye(): void {
    this.#client.end();
  }

  async #prepare(purpose: Purpose): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#client.connect((error) => {
        if (error) reject(error);
        else resolve();
      });
    });
    await this.query(statement('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED'));
    await this.query(statement(`SET ${LIMITS[purpose]}`));
  }
}

/** Rejects lists and objects, which the driver would turn into SQL. */
function checked(value: unknown): string | number | bigint | boolean | null {
  switch (typeof value) {
    case 'string':
    case 'bigint':
    case 'boolean':
      return value;
    case 'number':
      if (Number.isFinite(value)) return value;
      break;
    default:
      if (value === null) return value;
  }
  throw new TypeError(`a value of a statement is neither text nor a number: ${typeof value}`);
}
