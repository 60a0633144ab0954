import { DatabaseError, type DatabaseErrorKind } from './database.js';

/** What is known about an error's code: a kind, and a sentence's end after the database's name. */
export type Meaning = readonly [kind: DatabaseErrorKind, sentence: string];

/** A driver's error, or the operating system's. */
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

/** The database's name, what was found there and what to do, then the driver's own words. */
export function databaseError(name: string, [kind, sentence]: Meaning, error: Error): DatabaseError {
  const own = error.message === '' ? codeOf(error) : error.message;
  return new DatabaseError(kind, `${name} ${sentence} (${own})`, plain(error, own));
}

/** What errors that are not the server's mean: network, DNS and TLS. */
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
  // Several addresses of one name were tried.
  const first = errors?.[0];
  return first instanceof Error ? codeOf(first) : '';
}

/** OpenSSL's names for why a certificate is not good, and errors of Node.js about TLS. */
function isTlsError(error: Error): boolean {
  return /^ERR_(TLS|SSL|OSSL)_|CERT|ISSUER|LEAF_SIGNATURE|^CRL_|^INVALID_(CA|PURPOSE)$|^HOSTNAME_MISMATCH$/.test(
    codeOf(error),
  );
}

/** Drivers put statements with their values, and more, on their errors. */
function plain(error: Error, message: string): Error {
  const copy = new Error(message);
  copy.name = error.name;
  if (error.stack !== undefined) copy.stack = error.stack;
  const code = codeOf(error);
  return code === '' ? copy : Object.assign(copy, { code });
}
