/* Callers that are refused, in the words of log, API and page. No rule asks for them. */

/** Why a caller was refused, for programs. */
export const REFUSED_CODES = [
  /** The path is no list's: one segment, three, a name that none can have. */
  'path',
  /** A Nacos asks the operators' side. */
  'astray',
  /** `self` is no address. */
  'self',
  /** `self` is, or holds, a variable that nobody expanded, or that was empty. */
  'unexpanded',
  /** Another parameter is wrong, or one is given twice. */
  'parameter',
  /** There is no `self` where one is needed, or nobody can tell where `auto` comes from. */
  'no-self',
  /** It asks without `self` for a cluster that nobody bootstrapped. */
  'unknown-cluster',
  /** Its leave, or its agent's word, is about an address that is not listed. */
  'not-listed',
  /** A live member, or one that waits, has this `id` (R3). */
  'id-in-use',
  /** Another spelling of this address is listed or waits (R3). */
  'other-spelling',
  /** No machine could reach a member there (R3). */
  'no-member-address',
  /** The cluster, or the server, holds as many addresses, or clusters, as it takes. */
  'too-many-addresses',
  'too-many-clusters',
  /** One client without a token has made as much as it may. */
  'too-many-of-one',
  /** A token is missing, or not valid. */
  'token',
  /** The token is for another cluster. */
  'scope',
  /** It may not speak for that address from where it comes. */
  'source',
  /** It gets the list, and somebody else says the same `self` from elsewhere. */
  'same-self',
  /** The address may not be listed (ALLOWED_MEMBERS, loopback). */
  'member',
  /** Too many of its requests were refused, or would change something. */
  'rate',
] as const;
export type RefusedCode = (typeof REFUSED_CODES)[number];

/** What operators see of a caller that is refused. */
export interface RefusedCaller {
  /** Where it comes from; absent when a proxy does not say. */
  readonly from?: string;
  /** As it was sent, cut; absent without. */
  readonly self?: string;
  /** The path that it asked for. */
  readonly path: string;
  readonly code: RefusedCode;
  /** The sentence that it was answered with last. */
  readonly reason: string;
  /** How often. */
  readonly times: number;
  /** Milliseconds since the first time. */
  readonly sinceMs: number;
  /** Milliseconds since the last time. */
  readonly lastMs: number;
}
