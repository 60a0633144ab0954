import type { Connection } from './connection.js';
import { DatabaseError, SILENCE_LIMIT_MS, STATEMENT_LIMIT_MS } from './database.js';
import type { Driver } from './driver.js';
import { within } from '../../../util/within.js';
import { seconds } from './limits.js';

/** Most open connections. Replicas share the database server with other clients, and a registry needs few. */
export const POOL_SIZE = 4;

/** How long a connection may be idle before it is closed: less than MySQL's own limit. */
export const IDLE_LIMIT_MS = SILENCE_LIMIT_MS - 500;

interface Idle {
  readonly connection: Connection;
  readonly since: number;
  readonly timer: NodeJS.Timeout;
}

interface Waiter {
  readonly proceed: () => void;
  readonly refuse: (error: Error) => void;
}

/**
 * At most {@link POOL_SIZE} connections. A borrower first gets a permit, then an idle connection or a new
 * one. The permit returns with the connection, whether the connection is still usable or not.
 */
export class Pool {
  readonly #driver: Driver;
  readonly #idle: Idle[] = [];
  readonly #open = new Set<Connection>();
  readonly #waiters: Waiter[] = [];
  #permits = POOL_SIZE;
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;

  constructor(driver: Driver) {
    this.#driver = driver;
  }

  /** Borrows a ready connection within `limit` milliseconds. Rejects with DatabaseError. */
  async borrow(limit: number): Promise<Connection> {
    if (this.#closing) throw this.#closedError();
    const deadline = performance.now() + limit;
    await this.#takePermit(limit);
    try {
      return this.#takeIdle() ?? (await this.#connect(deadline));
    } catch (error) {
      this.#givePermit();
      throw error;
    }
  }

  /** Returns a borrowed connection, exactly once. A closed one is dropped. */
  giveBack(connection: Connection): void {
    if (connection.isOpen) {
      const timer = setTimeout(() => {
        this.#forget(connection);
        connection.end();
      }, IDLE_LIMIT_MS);
      timer.unref();
      this.#idle.push({ connection, since: performance.now(), timer });
    } else {
      connection.destroy();
    }
    this.#givePermit();
  }

  /** Closes idle connections: one that hangs is seldom alone. */
  dropIdle(): void {
    for (const { connection, timer } of this.#idle.splice(0)) {
      clearTimeout(timer);
      connection.destroy();
    }
  }

  /** Closes the pool, and resolves when all connections are back and closed. */
  close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  async #drain(): Promise<void> {
    for (const { refuse } of this.#waiters.splice(0)) refuse(this.#closedError());
    if (this.#permits < POOL_SIZE) await new Promise<void>((resolve) => (this.#drained = resolve));
    for (const { connection, timer } of this.#idle.splice(0)) {
      clearTimeout(timer);
      connection.end();
    }
    await Promise.all([...this.#open].map(({ closed }) => closed));
  }

  #takePermit(limit: number): Promise<void> {
    if (this.#permits > 0) {
      this.#permits--;
      return Promise.resolve();
    }
    let waiter: Waiter | undefined;
    const turn = new Promise<void>((resolve, reject) => {
      waiter = { proceed: resolve, refuse: reject };
      this.#waiters.push(waiter);
    });
    return within(limit, turn, () => {
      this.#waiters.splice(
        this.#waiters.findIndex((other) => other === waiter),
        1,
      );
      return new DatabaseError(
        'unavailable',
        `none of the ${POOL_SIZE} connections to ${this.#driver.name} was free within ${seconds(limit)}; it is slow or overloaded`,
      );
    });
  }

  #givePermit(): void {
    const waiter = this.#waiters.shift();
    if (waiter) return waiter.proceed();
    this.#permits++;
    if (this.#permits === POOL_SIZE) this.#drained?.();
  }

  #takeIdle(): Connection | undefined {
    for (;;) {
      const idle = this.#idle.pop();
      if (!idle) return undefined;
      clearTimeout(idle.timer);
      // If this process was held up, its timer is late and the server has closed the connection already.
      const isFresh = performance.now() - idle.since < IDLE_LIMIT_MS;
      if (isFresh && idle.connection.isOpen) return idle.connection;
      idle.connection.end();
    }
  }

  async #connect(deadline: number): Promise<Connection> {
    const connection = this.#driver.open('work');
    this.#open.add(connection);
    void connection.closed.then(() => {
      this.#open.delete(connection);
      this.#forget(connection);
    });
    try {
      const limit = Math.min(STATEMENT_LIMIT_MS, deadline - performance.now());
      await within(limit, connection.ready, () => notConnected(this.#driver, limit));
      return connection;
    } catch (error) {
      connection.destroy();
      throw this.#driver.explain(error);
    }
  }

  #forget(connection: Connection): void {
    const index = this.#idle.findIndex((idle) => idle.connection === connection);
    if (index < 0) return;
    clearTimeout(this.#idle[index]?.timer);
    this.#idle.splice(index, 1);
  }

  #closedError(): DatabaseError {
    return new DatabaseError(
      'unavailable',
      `${this.#driver.name} is no longer used: this program is stopping`,
    );
  }
}

export function notConnected(driver: Driver, limit: number): DatabaseError {
  return new DatabaseError(
    'unavailable',
    `could not connect to ${driver.name} within ${seconds(limit)}; check that the server runs, that DATABASE_URL names the right host and port, and that the network lets this machine reach it`,
  );
}
