import { parentPort } from 'node:worker_threads';
import { StoreRefused } from '../../registry/ports.js';
import { SqliteDatabase } from './database.js';
import type { CallName, Calls, Request, Response } from './messages.js';

/** The thread that owns the database: answers one call after the other, in the order they came. */

let database: SqliteDatabase | undefined;

const handlers: { [K in CallName]: (ask: Calls[K]['ask']) => Calls[K]['answer'] } = {
  open: ({ file, migrations, most }) => {
    database = new SqliteDatabase(file, migrations);
    return database.load(most);
  },
  load: (key) => opened().loadOne(key),
  commit: (change) => opened().commit(change),
  flush: ({ batches, hearing }) => {
    opened().flush(batches, hearing);
    return null;
  },
  events: (query) => opened().events(query),
  close: () => {
    database?.close();
    database = undefined;
    return null;
  },
};

function opened(): SqliteDatabase {
  if (!database) throw new Error('the database is not open');
  return database;
}

parentPort?.on('message', ({ id, call, ask }: Request) => {
  parentPort?.postMessage(answer(id, call, ask));
});

function answer(id: number, call: CallName, ask: unknown): Response {
  try {
    return { id, ok: true, answer: handlers[call](ask as never) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { id, ok: false, refused: error instanceof StoreRefused, message };
  }
}
