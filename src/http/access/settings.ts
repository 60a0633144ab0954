import type { AllowedMembers } from './allowed-members.js';
import { KnownHosts } from './known-hosts.js';
import type { Token } from './token.js';

/** The configured rights to change and read. */
export interface AccessSettings {
  /** Guard every change. Without any, and without a file, the source of a request decides (authority.ts). */
  readonly changeTokens: TokenSettings;
  /** Guard reads of the API, the page and the metrics; tokens for changes also allow reads. */
  readonly readTokens: TokenSettings;
  /**
   * `warn` lets changes without a valid token pass, and reports them; `open` requires that there is no token,
   * and lets every caller change lists.
   */
  readonly mode: 'enforce' | 'warn' | 'open';
  /** The addresses that may be newly listed; undefined for all. */
  readonly allowedMembers: AllowedMembers | undefined;
  /** Whether `self` must be the address that the request comes from. */
  readonly verifySource: boolean;
  /** The names by which browsers may call this server. */
  readonly allowedHosts: KnownHosts;
  /** Networks of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** Sustained changes a second of one client address; 0 for no limit. */
  readonly writeRateLimit: number;
  /** Waiting or unsettled addresses, and clusters, of one client address without a token; 0 for no limit. */
  readonly clientAddresses: number;
  readonly clientClusters: number;
  /** A monotonic clock for the limits, in milliseconds; performance.now by default. */
  readonly now?: () => number;
}

/** Tokens given directly, and a file with more, which may change while the server runs. */
export interface TokenSettings {
  readonly tokens: readonly Token[];
  readonly file: string | undefined;
}

/** No tokens and no limits. */
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
