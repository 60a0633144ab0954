import type { Connection } from './connection.js';
import {
  DatabaseError,
  STATEMENT_LIMIT_MS,
  type Database,
  type Session,
  type Statement,
} from './database.js';
import { SCHEMA_LOCK_LIMIT_MS, statement, type Driver } from './driver.js';
import { within } from '../../../util/within.js';
import { seconds } from './limits.js';
import { notConnected, Pool } from './pool.js';
import { TransactionSession } from './transaction-session.js';

const COMMIT = statement('COMMIT');
const ROLLBACK = statement('ROLLBACK');

/** Applies the time limits, which are the same for both dialects; see {@link Database}. */
export class ServerDatabase implements Database {
  readonly #driver: Driver;
  readonly #pool: Pool;
  /** Connections outside the pool. */
  readonly #exclusive = new Set<Connection>();
  #statements = 0;

  /** Does not connect yet. */
  constructor(driver: Driver) {
    this.#driver = driver;
    this.#pool = new Pool(driver);
  }

  get dialect(): Database['dialect'] {
    return this.#driver.dialect;
  }

  get name(): string {
    return this.#driver.name;
  }

  get statements(): number {
    return this.#statements;
  }

  async run<R = unknown>(statement: Statement): Promise<readonly R[]> {
    const connection = await this.#pool.borrow(STATEMENT_LIMIT_MS);
    try {
      return (await this.#send(connection, statement)) as readonly R[];
    } finally {
      this.#pool.giveBack(connection);
    }
  }

  async together<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const connection = await this.#pool.borrow(STATEMENT_LIMIT_MS);
    const run = async <R>(statement: Statement): Promise<readonly R[]> =>
      (await this.#send(connection, statement)) as readonly R[];
    try {
      return await work({ run });
    } finally {
      this.#pool.giveBack(connection);
    }
  }

  async transaction<T>(limit: number, work: (session: Session) => Promise<T>): Promise<T> {
    const deadline = performance.now() + limit;
    const connection = await this.#pool.borrow(Math.min(limit, STATEMENT_LIMIT_MS));
    const session = new TransactionSession((statement) => this.#send(connection, statement));
    const end = { isCommitting: false };
    try {
      return await within(
        Math.max(0, deadline - performance.now()),
        this.#perform(connection, session, work, end),
        () => {
          connection.destroy();
          return new DatabaseError(
            end.isCommitting ? 'unknown' : 'unavailable',
            `a transaction in ${this.name} did not finish within ${seconds(limit)} and was abandoned; the database is slow`,
          );
        },
      );
    } finally {
      session.close();
      this.#pool.giveBack(connection);
    }
  }

  async #perform<T>(
    connection: Connection,
    session: TransactionSession,
    work: (session: Session) => Promise<T>,
    end: { isCommitting: boolean },
  ): Promise<T> {
    await this.#send(connection, this.#driver.begin);
    try {
      const result = await work(session);
      await session.finished();
      end.isCommitting = true;
      await this.#send(connection, COMMIT);
      return result;
    } catch (error) {
      if (end.isCommitting && error instanceof DatabaseError && error.kind === 'unavailable') {
        throw new DatabaseError('unknown', error.message, error);
      }
      // The first failure tells why. A rollback that fails has closed the connection, which rolls back as
      // well.
      session.close();
      if (connection.isOpen) await this.#send(connection, ROLLBACK).catch(() => connection.destroy());
      throw error;
    }
  }

  async exclusively<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const connection = this.#driver.open('schema');
    this.#exclusive.add(connection);
    void connection.closed.then(() => this.#exclusive.delete(connection));
    try {
      await this.#lockSchema(connection);
      const run = async <R>(statement: Statement): Promise<readonly R[]> => {
        this.#statements++;
        try {
          return (await connection.query(statement)) as readonly R[];
        } catch (error) {
          throw this.#driver.explain(error);
        }
      };
      try {
        return await work({ run });
      } finally {
        // Ending the session unlocks too, but a proxy in between may keep the session.
        await this.#send(connection, this.#driver.schemaLock.release).catch(() => connection.destroy());
      }
    } finally {
      connection.end();
    }
  }

  async close(): Promise<void> {
    const exclusive = [...this.#exclusive];
    for (const connection of exclusive) connection.destroy();
    await Promise.all([this.#pool.close(), ...exclusive.map(({ closed }) => closed)]);
  }

  async #lockSchema(connection: Connection): Promise<void> {
    const lock = this.#driver.schemaLock;
    const taken = (): DatabaseError =>
      new DatabaseError(
        'unavailable',
        `another program has been changing the schema of ${this.name} for ${seconds(SCHEMA_LOCK_LIMIT_MS)}; wait for it to finish, then start this one again`,
      );
    try {
      await within(STATEMENT_LIMIT_MS, connection.ready, () =>
        notConnected(this.#driver, STATEMENT_LIMIT_MS),
      );
      let rows: readonly unknown[] = [];
      for (const step of lock.take) {
        // A little longer than the server's own limit, so that its answer decides.
        rows = await within(SCHEMA_LOCK_LIMIT_MS + STATEMENT_LIMIT_MS, connection.query(step), taken);
      }
      if (lock.isTaken({ rows })) throw taken();
    } catch (error) {
      connection.destroy();
      throw lock.isTaken({ error }) ? taken() : this.#driver.explain(error);
    }
  }

  /** Runs a statement within its limit. Closes the connection if it may be unusable afterwards. */
  async #send(connection: Connection, statement: Statement): Promise<readonly unknown[]> {
    this.#statements++;
    try {
      return await within(STATEMENT_LIMIT_MS, connection.query(statement), () => {
        connection.destroy();
        this.#pool.dropIdle();
        return new DatabaseError(
          'unavailable',
          `${this.name} has not answered for ${seconds(STATEMENT_LIMIT_MS)}; it is overloaded or gone, or a lock is held too long`,
        );
      });
    } catch (error) {
      const explained = this.#driver.explain(error);
      // If the server shuts down or has become read-only, a new connection is better.
      if (explained.kind === 'unavailable') connection.destroy();
      throw explained;
    }
  }
}
