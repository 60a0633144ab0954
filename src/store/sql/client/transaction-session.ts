import { DatabaseError, type Session, type Statement } from './database.js';

/**
 * Runs the statements of one transaction one at a time. After the first failure all further ones fail: MySQL
 * may have rolled back and would run them outside any transaction, and PostgreSQL's COMMIT would silently
 * roll back.
 */
export class TransactionSession implements Session {
  readonly #send: (statement: Statement) => Promise<readonly unknown[]>;
  #last: Promise<unknown> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  constructor(send: (statement: Statement) => Promise<readonly unknown[]>) {
    this.#send = send;
  }

  run<R = unknown>(statement: Statement): Promise<readonly R[]> {
    const rows = this.#last.then(async () => {
      this.#check();
      try {
        return (await this.#send(statement)) as readonly R[];
      } catch (error) {
        this.#failure ??= { error };
        throw error;
      }
    });
    this.#last = rows.catch(() => undefined);
    return rows;
  }

  /** Resolves when every statement has ended; rejects with the first failure. */
  async finished(): Promise<void> {
    await this.#last;
    this.#check();
    this.close();
  }

  /** Rejects all further statements. */
  close(): void {
    this.#failure ??= {
      error: new DatabaseError(
        'rejected',
        'a statement came after the end of its transaction; this is a bug',
      ),
    };
  }

  #check(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
