import { DatabaseError, type DatabaseErrorKind } from './database.js';

/** What an error code means: its kind, and the end of a sentence that begins with the database's name. */
export type Meaning = readonly [kind: DatabaseErrorKind, sentence: string];

/** An error of the driver or the operating system. */
interface CodedError extends Error {
  readonly code?: unknown;
  readonly errors?: readonly unknown[];
}

const UNREACHABLE =
  'cannot be reached; check that the server runs and that DATABASE_URL names the right host and port';

const NETWORK: ReadonlyMap<string, Meaning> = new Map([
  ['ECONNREFUSED', ['unavailable', UNREACHABLE]],
  ['EHOSTUNREACH', ['unavailable', UNREACHABLE]],
  ['ENETUNREACH', ['unavailable', UNREACHABLE]],
  ['EADDRNOTAVAIL', ['unavailable', UNREACHABLE]],
  ['ETIMEDOUT', ['unavailable', UNREACHABLE]],
  ['ENOTFOUND', ['unavailable', 'has a host that no name server knows; check the host in DATABASE_URL']],
  ['EAI_AGAIN', ['unavailable', 'has a host that no name server answered for; check DNS']],
  ['ECONNRESET', ['unavailable', 'closed the connection']],
  ['EPIPE', ['unavailable', 'closed the connection']],
]);

/** Builds the error: the database's name, what was found, what to do, and the driver's own message. */
export function databaseError(name: string, [kind, sentence]: Meaning, error: Error): DatabaseError {
  const own = error.message === '' ? codeOf(error) : error.message;
  return new DatabaseError(kind, `${name} ${sentence} (${own})`, plain(error, own));
}

/** The meaning of network, DNS and TLS errors; undefined for others. */
export function networkMeaning(error: Error): Meaning | undefined {
  const known = NETWORK.get(codeOf(error));
  if (known) return known;
  return isTlsError(error)
    ? [
        'misconfigured',
        'cannot be trusted or does not speak TLS as set; check sslmode and the certificates in DATABASE_URL',
      ]
    : undefined;
}

export function codeOf(error: Error): string {
  const { code, errors } = error as CodedError;
  if (typeof code === 'string') return code;
  // The name has several addresses, and all were tried.
  const first = errors?.[0];
  return first instanceof Error ? codeOf(first) : '';
}

/** Matches OpenSSL's names for a bad certificate, and TLS errors of Node.js. */
function isTlsError(error: Error): boolean {
  return /^ERR_(TLS|SSL|OSSL)_|CERT|ISSUER|LEAF_SIGNATURE|^CRL_|^INVALID_(CA|PURPOSE)$|^HOSTNAME_MISMATCH$/.test(
    codeOf(error),
  );
}

/** Copies an error without the statements and values that drivers attach to it. */
function plain(error: Error, message: string): Error {
  const copy = new Error(message);
  copy.name = error.name;
  if (error.stack !== undefined) copy.stack = error.stack;
  const code = codeOf(error);
  return code === '' ? copy : Object.assign(copy, { code });
}
