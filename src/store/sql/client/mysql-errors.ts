import { DatabaseError } from './database.js';
import { codeOf, databaseError, networkMeaning, type Meaning } from './errors.js';

const BUSY: Meaning = ['conflict', 'did not get a lock that another session holds; nothing was changed'];
const STOPPING: Meaning = ['unavailable', 'is starting or stopping'];
const SLOW: Meaning = [
  'unavailable',
  'did not finish a statement in time; it is overloaded, or a lock is held too long',
];
const READ_ONLY: Meaning = [
  'unavailable',
  'is read-only; DATABASE_URL may point to a replica of the database, and must name its primary',
];
const FULL: Meaning = ['unavailable', 'has a full disk; make room'];
const CROWDED: Meaning = [
  'unavailable',
  'has too many connections; raise its limit, or let other clients use fewer (a server of this program uses at most 4)',
];
const DENIED: Meaning = [
  'misconfigured',
  'does not accept the user and password of DATABASE_URL; check both, and that the user may connect from this machine',
];
const FORBIDDEN: Meaning = [
  'misconfigured',
  'does not grant the user of DATABASE_URL a right that is needed: SELECT, INSERT, UPDATE and DELETE on the address_server_ tables, and CREATE and ALTER for `nacos-address-server migrate`',
];
const NO_DATABASE: Meaning = [
  'misconfigured',
  'does not exist; create the database, or name another in DATABASE_URL',
];
const NO_TABLE: Meaning = ['misconfigured', 'lacks a table or column; run `nacos-address-server migrate`'];
const LOCKED: Meaning = ['misconfigured', 'has locked the account of the user of DATABASE_URL'];
const EXPIRED: Meaning = ['misconfigured', 'requires a new password for the user of DATABASE_URL'];
const NO_PLUGIN: Meaning = [
  'misconfigured',
  'requires a login method that this program does not support; give the user caching_sha2_password or mysql_native_password',
];

/** Meanings by error number of MySQL and MariaDB; 1900 to 1999 are MariaDB's. */
const SERVER: ReadonlyMap<number, Meaning> = new Map([
  [1213, BUSY],
  [1205, BUSY],
  // A row changed since the transaction's snapshot, a write set that lost in Galera.
  [1020, BUSY],
  // A transaction that lost in a group of MySQL servers.
  [3101, BUSY],
  [1047, ['unavailable', 'is not part of its cluster now']],
  [1053, STOPPING],
  [1079, STOPPING],
  [3032, ['unavailable', 'is in offline mode; see offline_mode']],
  // Killed, or idle for too long.
  [1317, SLOW],
  [1927, ['unavailable', 'ended the connection']],
  [4031, ['unavailable', 'ended the connection, which had not been used']],
  [1969, SLOW],
  [3024, SLOW],
  [1290, READ_ONLY],
  [1792, READ_ONLY],
  [1836, READ_ONLY],
  [1021, FULL],
  [1114, FULL],
  [3675, FULL],
  [1040, CROWDED],
  [1203, CROWDED],
  [1226, CROWDED],
  [1129, ['unavailable', 'blocks this machine after too many failed connections; see max_connect_errors']],
  [1045, DENIED],
  [1698, DENIED],
  [1130, DENIED],
  // MySQL's, that for too many wrong passwords, MariaDB's.
  [3118, LOCKED],
  [3955, LOCKED],
  [4151, LOCKED],
  [1862, EXPIRED],
  [1820, EXPIRED],
  [1251, NO_PLUGIN],
  [1524, NO_PLUGIN],
  [3159, ['misconfigured', 'accepts only encrypted connections; set sslmode in DATABASE_URL']],
  [1049, NO_DATABASE],
  [1044, FORBIDDEN],
  [1142, FORBIDDEN],
  [1143, FORBIDDEN],
  [1227, FORBIDDEN],
  [1146, NO_TABLE],
  [1054, NO_TABLE],
  [
    1665,
    [
      'misconfigured',
      'has binlog_format=STATEMENT, with which READ COMMITTED cannot write; set it to ROW or MIXED',
    ],
  ],
]);

const LOST: Meaning = ['unavailable', 'closed the connection'];

/** Meanings by mysql2's own codes. */
const DRIVER: ReadonlyMap<string, Meaning> = new Map([
  ['PROTOCOL_CONNECTION_LOST', LOST],
  ['AUTH_SWITCH_PLUGIN_ERROR', NO_PLUGIN],
  [
    'HANDSHAKE_NO_SSL_SUPPORT',
    ['misconfigured', 'does not offer TLS; switch it on there, or set sslmode=disable in DATABASE_URL'],
  ],
]);

/** Translates an error of mysql2 for the database of this name. */
export function explainMysql(name: string, error: unknown): DatabaseError {
  if (error instanceof DatabaseError) return error;
  if (!(error instanceof Error)) return new DatabaseError('rejected', `${name}: ${String(error)}`);
  return databaseError(name, meaningOf(error), error);
}

function meaningOf(error: Error): Meaning {
  const { errno, fatal } = error as { errno?: unknown; fatal?: unknown };
  const server = typeof errno === 'number' ? SERVER.get(errno) : undefined;
  if (server) return server;
  const code = codeOf(error);
  if (code === 'HANDSHAKE_SSL_ERROR') {
    // mysql2 replaces the original code with this one.
    return /disconnected|ECONNRESET|EPIPE/.test(error.message)
      ? LOST
      : [
          'misconfigured',
          'cannot be trusted or does not speak TLS as set; check sslmode and the certificates in DATABASE_URL',
        ];
  }
  const known = DRIVER.get(code) ?? networkMeaning(error);
  if (known) return known;
  // The driver marks every error that ends a connection as fatal, even without a code for it.
  return fatal === true ? LOST : ['rejected', 'does not accept a statement'];
}
