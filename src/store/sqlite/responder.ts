import { StoreRefused } from '../../registry/interfaces.js';
import { SqliteDatabase } from './database.js';
import type { CallName, Calls, Request, Response } from './messages.js';

/**
 * Answers the store's calls on one database file, one at a time. An error of the file becomes an answer too.
 */
export class Responder {
  #database: SqliteDatabase | undefined;

  readonly #handlers: { [K in CallName]: (ask: Calls[K]['ask']) => Calls[K]['answer'] } = {
    open: ({ file, migrations, most }) => {
      this.#database = new SqliteDatabase(file, migrations);
      return this.#database.load(most);
    },
    load: (key) => this.#opened.loadOne(key),
    commit: (change) => this.#opened.commit(change),
    flush: ({ batches, hearing }) => {
      this.#opened.flush(batches, hearing);
      return null;
    },
    events: (query) => this.#opened.events(query),
    close: () => {
      this.#database?.close();
      this.#database = undefined;
      return null;
    },
  };

  get #opened(): SqliteDatabase {
    if (!this.#database) throw new Error('the database is not open');
    return this.#database;
  }

  answer({ id, call, ask }: Request): Response {
    try {
      return { id, ok: true, answer: this.#handlers[call](ask as never) };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const refused = error instanceof StoreRefused ? { mayPass: error.mayPass } : undefined;
      return { id, ok: false, refused, message };
    }
  }
}
