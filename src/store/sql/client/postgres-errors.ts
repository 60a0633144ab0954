import { DatabaseError } from './database.js';
import { codeOf, databaseError, networkMeaning, type Meaning } from './errors.js';

export const LOCK_NOT_AVAILABLE = '55P03';

const BUSY: Meaning = ['conflict', 'did not get a lock that another session holds; nothing was changed'];
const STOPPING: Meaning = ['unavailable', 'is starting or stopping'];
const FULL: Meaning = ['unavailable', 'has a full disk or no memory left; make room'];
const CROWDED: Meaning = [
  'unavailable',
  'has too many connections; raise its limit, or let other clients use fewer (a server of this program uses at most 4)',
];
const LOST: Meaning = ['unavailable', 'closed the connection'];
const DENIED: Meaning = [
  'misconfigured',
  'does not accept the user and password of DATABASE_URL; check both, and that pg_hba.conf lets the user connect from this machine',
];
const NO_TABLE: Meaning = ['misconfigured', 'lacks a table or column; run `nacos-address-server migrate`'];

/** Meanings by SQLSTATE, from PostgreSQL's appendix of error codes. */
const SERVER: ReadonlyMap<string, Meaning> = new Map([
  ['40001', BUSY],
  ['40P01', BUSY],
  [LOCK_NOT_AVAILABLE, BUSY],
  ['57P01', STOPPING],
  ['57P02', STOPPING],
  ['57P03', STOPPING],
  ['57P05', ['unavailable', 'ended the connection, which had not been used']],
  ['25P03', ['unavailable', 'ended a transaction in which nothing had been done for too long']],
  [
    '57014',
    ['unavailable', 'did not finish a statement in time; it is overloaded, or a lock is held too long'],
  ],
  [
    '25006',
    [
      'unavailable',
      'is read-only; DATABASE_URL may point to a replica of the database, and must name its primary',
    ],
  ],
  ['53100', FULL],
  ['53200', FULL],
  ['53300', CROWDED],
  ['28P01', DENIED],
  ['28000', DENIED],
  ['3D000', ['misconfigured', 'does not exist; create the database, or name another in DATABASE_URL']],
  [
    '42501',
    [
      'misconfigured',
      'does not grant the user of DATABASE_URL a right that is needed: SELECT, INSERT, UPDATE and DELETE on the address_server_ tables, and CREATE on the schema for `nacos-address-server migrate`',
    ],
  ],
  // The connection's search_path has no schema that exists and that the user may see.
  [
    '3F000',
    [
      'misconfigured',
      'has no schema that the user of DATABASE_URL may create tables in; grant it USAGE and CREATE on one',
    ],
  ],
  ['42P01', NO_TABLE],
  ['42703', NO_TABLE],
]);

/** Meanings by message, for errors to which pg gives no code. */
const DRIVER: readonly (readonly [RegExp, Meaning])[] = [
  [/^Connection terminated|is not queryable$|has already been connected|before secure TLS connection/, LOST],
  [
    /server does not support SSL/,
    ['misconfigured', 'does not offer TLS; switch it on there, or set sslmode=disable in DATABASE_URL'],
  ],
  [/establishing an SSL connection/, ['unavailable', 'did not answer when asked for TLS']],
  [/^SASL|SCRAM|authentication/i, DENIED],
];

/** Translates an error of pg for the database of this name. */
export function explainPostgres(name: string, error: unknown): DatabaseError {
  if (error instanceof DatabaseError) return error;
  if (!(error instanceof Error)) return new DatabaseError('rejected', `${name}: ${String(error)}`);
  return databaseError(name, meaningOf(error), error);
}

function meaningOf(error: Error): Meaning {
  const code = codeOf(error);
  const server = SERVER.get(code);
  if (server) return server;
  // Class 08 is connection errors.
  if (/^08...$/.test(code)) return LOST;
  const driver = DRIVER.find(([words]) => words.test(error.message));
  return driver?.[1] ?? networkMeaning(error) ?? ['rejected', 'does not accept a statement'];
}
