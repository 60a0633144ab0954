/* Refused callers, in the words of log, API and page. No rule depends on them. */

/** Why a caller was refused, for programs. */
export const REFUSED_CODES = [
  /** The path is no list's: one or three segments, or a name that no list can have. */
  'path',
  /** A Nacos polls the operators' API. */
  'astray',
  /** `self` is no address. */
  'self',
  /** `self` is or contains a variable that was not expanded, or expanded to nothing. */
  'unexpanded',
  /** Another parameter is wrong or was given twice. */
  'parameter',
  /** `self` is missing where it is needed, or the source of `auto` is unknown. */
  'no-self',
  /** It asks without `self` for a cluster that was never bootstrapped. */
  'unknown-cluster',
  /** A leave, or an agent's report, names an address that is not listed. */
  'not-listed',
  /** A live member or a waiting address has this `id` (R3). */
  'id-in-use',
  /** Another spelling of this address is listed or waits (R3). */
  'other-spelling',
  /** No other machine could reach a member there (R3). */
  'no-member-address',
  /** The cluster or the server holds as many addresses or clusters as it may. */
  'too-many-addresses',
  'too-many-clusters',
  /** One client without a token has created as much as it may. */
  'too-many-of-one',
  /** The token is missing or not valid. */
  'token',
  /** The token is for another cluster. */
  'scope',
  /** Its source may not speak for that address. */
  'source',
  /** It gets the list, while another source polls with the same `self`. */
  'same-self',
  /** The address may not be listed (ALLOWED_MEMBERS, loopback). */
  'member',
  /** Too many of its requests were refused, or too many would change something. */
  'rate',
] as const;
export type RefusedCode = (typeof REFUSED_CODES)[number];

/** What operators see of a refused caller. */
export interface RefusedCaller {
  /** Its source address; absent when a proxy does not report it. */
  readonly from?: string;
  /** `self` as it was sent, shortened; absent without. */
  readonly self?: string;
  /** The path that it asked for. */
  readonly path: string;
  readonly code: RefusedCode;
  /** The sentence that last answered it. */
  readonly reason: string;
  /** How often it was refused. */
  readonly times: number;
  /** Milliseconds since its first refusal. */
  readonly sinceMs: number;
  /** Milliseconds since its latest refusal. */
  readonly lastMs: number;
}
