import { DEFAULT_DATABASE_URL } from './database-url.js';
import { formatDuration } from './duration.js';
import { DEFAULT_RULES } from './registry/rules.js';

/*
 * Everything that can be set, as people meet it: flag, variable, default and help. What a value may be is config.ts's
 * to say.
 */

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** One setting: a flag and an environment variable of the same name. */
export interface Setting {
  /** As in `--member-ttl`; the variable is `MEMBER_TTL`. */
  readonly name: string;
  /** The value's placeholder in the help. */
  readonly value: string;
  readonly default: string;
  readonly description: string;
  /** Whether `--no-NAME` says `off`. */
  readonly isSwitch?: boolean;
  /** Whether its value must never be printed. */
  readonly isSecret?: boolean;
}

const time = <N extends string>(name: N, ms: number, description: string) => ({
  name,
  value: 'time',
  default: formatDuration(ms),
  description,
});

export const SETTINGS = [
  { name: 'port', value: 'number', default: '8080', description: 'port to listen on; 0 picks a free one' },
  {
    name: 'host',
    value: 'address',
    default: '',
    description: 'address to listen on; all interfaces if empty',
  },
  {
    name: 'database-url',
    value: 'url',
    default: DEFAULT_DATABASE_URL,
    description:
      'where the members are kept: sqlite:PATH, or mysql:// or postgres:// and USER:PASSWORD@HOST:PORT/DATABASE, with ?sslmode=verify-full for TLS',
  },
  {
    name: 'migrate',
    value: 'on|off',
    default: 'on',
    description:
      'bring the schema of a MySQL or PostgreSQL database up to date at the start; off only checks it',
    isSwitch: true,
  },
  time('member-ttl', DEFAULT_RULES.memberTtl, 'a member not heard for this long is silent'),
  time(
    'evict-after',
    DEFAULT_RULES.evictAfter,
    'a silent member whose port does not answer is evicted after this long; at least 30s',
  ),
  time(
    'settle-after',
    DEFAULT_RULES.settleAfter,
    'how long a new member must be known to all before more may follow',
  ),
  time(
    'gate-hold',
    DEFAULT_RULES.gateHold,
    'how long a poll that must wait is held; at most 2s, Nacos waits 2.5 s',
  ),
  {
    name: 'probe',
    value: 'on|off',
    default: 'on',
    description: 'probe the TCP ports of silent members; off evicts by silence alone',
  },
  {
    name: 'examine',
    value: 'on|off',
    default: 'on',
    description:
      'read what the Nacos nodes and their Raft groups believe, tell the difference, and finish in Raft what left the list',
    isSwitch: true,
  },
  {
    name: 'nacos-identity',
    value: 'key:value',
    default: '',
    description:
      'the header of nacos.core.auth.server.identity, to read nodes that want a login (3.x always does); every member is sent it, so it needs a token or ALLOWED_MEMBERS',
    isSecret: true,
  },
  {
    name: 'raft-port-offset',
    value: 'number',
    default: '1000',
    description: 'how far a node’s Raft port lies below its main port',
  },
  {
    name: 'max-connections',
    value: 'number',
    default: '20000',
    description:
      'connections open at once; when there are more, the oldest idle one that carries no member is cut',
  },
  {
    name: 'auth-token',
    value: 'tokens',
    default: '',
    description:
      'guards every change: one or more, separated by commas; PRODUCT/CLUSTER:TOKEN is for one cluster only; without any, changes are open to everybody',
    isSecret: true,
  },
  {
    name: 'auth-token-file',
    value: 'path',
    default: '',
    description: 'a file with such tokens, one a line; read again when it changes',
  },
  {
    name: 'auth-mode',
    value: 'mode',
    default: 'enforce',
    description: 'enforce, or warn: changes without a valid token pass and are logged, to introduce tokens',
  },
  {
    name: 'read-token',
    value: 'tokens',
    default: '',
    description: 'guards reads of the API, the page and the metrics in the same way; open without',
    isSecret: true,
  },
  {
    name: 'read-token-file',
    value: 'path',
    default: '',
    description: 'a file with such tokens, one a line; read again when it changes',
  },
  {
    name: 'allowed-members',
    value: 'networks',
    default: '',
    description:
      'which addresses may be listed anew: networks (10.0.0.0/8), addresses, host names (*.example.org), separated by commas; all if empty',
  },
  {
    name: 'member-source',
    value: 'source',
    default: 'any',
    description: 'any, or strict: self must be the address that the request comes from',
  },
  {
    name: 'trusted-proxies',
    value: 'networks',
    default: '',
    description: 'proxies whose X-Forwarded-For is believed: networks or addresses, separated by commas',
  },
  {
    name: 'change-rate',
    value: 'number',
    default: '50',
    description: 'changes a second that one client address may make for long; 0 for no limit',
  },
  {
    name: 'max-addresses',
    value: 'number',
    default: String(DEFAULT_RULES.maxAddresses),
    description:
      'addresses of all clusters together, with those that wait; each takes up to 10 kB of memory with its connection',
  },
  {
    name: 'max-clusters',
    value: 'number',
    default: String(DEFAULT_RULES.maxClusters),
    description: 'clusters; who polls first founds one',
  },
  {
    name: 'client-addresses',
    value: 'number',
    default: '200',
    description:
      'addresses that one client address without a token may have waiting or not settled yet; 0 for no limit',
  },
  {
    name: 'client-clusters',
    value: 'number',
    default: '100',
    description: 'clusters that one client address without a token may make; 0 for no limit',
  },
  { name: 'log-level', value: 'level', default: 'info', description: LOG_LEVELS.join(', ') },
] as const satisfies readonly Setting[];

export type SettingName = (typeof SETTINGS)[number]['name'];

/** A value with where it came from, as `--port` or `PORT`, for the sentence about what is wrong with it. */
export interface GivenSetting {
  readonly text: string;
  readonly source: string;
}
