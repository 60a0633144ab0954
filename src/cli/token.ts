import { isUnexpanded, placeholderIn, UNEXPANDED } from '../config/placeholder.js';
import { ClientError } from './client-error.js';

/** A given token and its source: `--token` or `ADDRESS_SERVER_TOKEN`. */
export interface GivenToken {
  readonly text: string;
  readonly source: string;
}

/**
 * Reads a token; undefined if there is none or it is empty. Throws {@link ClientError}, which never quotes
 * it.
 */
export function parseToken(text: string | undefined, source: string): GivenToken | undefined {
  const given = text?.trim() ?? '';
  if (given === '') return undefined;
  if (isUnexpanded(given)) throw new ClientError(`${source} ${UNEXPANDED}`);
  if (placeholderIn(given) !== undefined) {
    throw new ClientError(
      `${source} holds the placeholder of an example, change-me; put a token of the server in its place`,
    );
  }
  // The characters that a header may hold (fetch would quote others in its error) and that server tokens
  // consist of (RFC 6750, b64token).
  if (/^[A-Za-z0-9._~+/-]+=*$/.test(given)) return { text: given, source };
  const colon = given.includes(':') ? '; of PRODUCT/CLUSTER:TOKEN give only what follows the colon' : '';
  throw new ClientError(`${source} holds a character that no token has${colon}`);
}
