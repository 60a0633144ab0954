import type { AllowedMembers } from './allowed-members.js';
import { KnownHosts } from './known-hosts.js';
import type { Token } from './token.js';

/** Who may change and read what, as it is configured. */
export interface AccessSettings {
  /** Guard every change; without any and without a file, where a request comes from decides (authority.ts). */
  readonly changeTokens: TokenSettings;
  /** Guard reads of the API, the page and the metrics; the tokens for changes are good for reads too. */
  readonly readTokens: TokenSettings;
  /** `warn` lets changes without a valid token pass, and says so; `open` is for no token, and lets everybody change lists. */
  readonly mode: 'enforce' | 'warn' | 'open';
  /** Which addresses may be listed anew; undefined for all. */
  readonly allowedMembers: AllowedMembers | undefined;
  /** Whether `self` must be the address that the request comes from. */
  readonly verifySource: boolean;
  /** By which names browsers may call this server. */
  readonly allowedHosts: KnownHosts;
  /** Networks of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** Changes a second that one client address may make for long; 0 for no limit. */
  readonly writeRateLimit: number;
  /** Addresses that wait or have not settled, and clusters, of one client address without a token; 0 for no limit. */
  readonly clientAddresses: number;
  readonly clientClusters: number;
  /** A monotonic clock for the limits, in milliseconds; performance.now by default. */
  readonly now?: () => number;
}

/** Tokens that are given, and a file with more, which may change while the server runs. */
export interface TokenSettings {
  readonly tokens: readonly Token[];
  readonly file: string | undefined;
}

/** No tokens, and nothing is limited. */
export const OPEN: AccessSettings = {
  changeTokens: { tokens: [], file: undefined },
  readTokens: { tokens: [], file: undefined },
  mode: 'enforce',
  allowedMembers: undefined,
  verifySource: false,
  allowedHosts: KnownHosts.parse(''),
  trustedProxies: [],
  writeRateLimit: 0,
  clientAddresses: 0,
  clientClusters: 0,
};
