import { DEFAULT_DATABASE_URL } from './database-url.js';
import { formatDuration } from './duration.js';
import { DEFAULT_RULES } from '../registry/rules.js';

/**
 * All settings as users see them: flag, variable, default and help. config.ts defines the allowed values.
 * `npm run docs` generates the tables of docs/configuration.md and its translation from here; the Chinese is
 * in tools/docs/settings-zh.ts.
 */

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** One setting: a flag and an environment variable of the same name. */
export interface Setting {
  /** The flag's name, as in `--member-ttl`; the variable is `MEMBER_TTL`. */
  readonly name: string;
  /** The value's placeholder in the help. */
  readonly value: string;
  readonly default: string;
  /** The meaning of an empty default, if not "none". */
  readonly unset?: string;
  /** In Markdown, for docs/configuration.md; {@link helpOf} derives the help from it. */
  readonly description: string;
  /** Whether `--no-NAME` sets it to `off`. */
  readonly isSwitch?: boolean;
  /** Whether its value must never be printed. */
  readonly isSecret?: boolean;
}

/** The environment variable of a setting. */
export function variableOf(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}

/** A description without Markdown: unquoted code, and links reduced to their text. */
export function helpOf(description: string): string {
  return description.replaceAll(/\[([^\]]+)\]\([^)]+\)/g, '$1').replaceAll('`', '');
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
    unset: 'all interfaces',
    description: 'address to listen on',
  },
  {
    name: 'database-url',
    value: 'url',
    default: DEFAULT_DATABASE_URL,
    description:
      "where the members are kept: `sqlite:PATH` (the default's folder is made, any other must exist), or `mysql://`, `mariadb://`, `postgres://` and `USER:PASSWORD@HOST:PORT/DATABASE`, with [TLS options](databases.md#tls); a password is better in the variable, flags are seen by all users of a machine",
  },
  {
    name: 'migrate',
    value: 'on|off',
    default: 'on',
    description:
      'bring the schema of a MySQL or PostgreSQL database up to date at the start; `off` (`--no-migrate`) only checks it',
    isSwitch: true,
  },
  time(
    'member-ttl',
    DEFAULT_RULES.memberTtl,
    'a member not heard for this long is silent; the default is three polls of Nacos',
  ),
  time(
    'evict-after',
    DEFAULT_RULES.evictAfter,
    'a silent member whose port does not answer is evicted after this long; at least `30s`',
  ),
  time(
    'settle-after',
    DEFAULT_RULES.settleAfter,
    'how long a new member must be known to all before more may follow; raise it if your nodes boot slowly',
  ),
  time(
    'poll-hold',
    DEFAULT_RULES.pollHold,
    'how long a poll that must wait is held; at most `2s`, Nacos waits 2.5 s',
  ),
  {
    name: 'probe',
    value: 'on|off',
    default: 'on',
    description:
      'probe the ports of silent members; `off` evicts by silence alone, for networks in which the address server cannot reach the nodes; then POSTs must be repeated within `MEMBER_TTL`',
  },
  {
    name: 'raft-checks',
    value: 'on|off',
    default: 'on',
    description:
      'read what the Nacos nodes and their Raft groups believe ([the doctor](doctor.md)), let the rules use it, and remove departed members from Raft as well; `off` where this server must not reach their API',
    isSwitch: true,
  },
  {
    name: 'nacos-identity',
    value: 'key:value',
    default: '',
    description:
      '`KEY:VALUE` of `nacos.core.auth.server.identity`, to read nodes that want a login (3.x always does), for `nacos/serverlist`; for other clusters `PRODUCT/CLUSTER=KEY:VALUE,…`. The server sends it to every member of that cluster, also to those that were listed before, so it needs `AUTH_TOKEN` (with `AUTH_MODE=enforce`) or `ALLOWED_MEMBERS`; better in the variable',
    isSecret: true,
  },
  {
    name: 'raft-port-offset',
    value: 'number',
    default: '1000',
    description: "how far a node's Raft port lies below its main port",
  },
  {
    name: 'max-connections',
    value: 'number',
    default: '20000',
    description:
      'connections open at once, see [Limits](#limits); when there are more, the oldest idle one that carries no member is cut; needs as many open files (`LimitNOFILE=` in systemd)',
  },
  {
    name: 'auth-token',
    value: 'tokens',
    default: '',
    description:
      '[tokens](security.md#tokens) that guard every change, separated by commas; `PRODUCT/CLUSTER:TOKEN` is for one cluster only; without any, members register and leave by themselves, and operators can act only from this machine; better in the variable or the file, flags are seen by all users of a machine',
    isSecret: true,
  },
  {
    name: 'auth-token-file',
    value: 'path',
    default: '',
    description: 'a file with such tokens, one a line, `#` starts a comment; read again when it changes',
  },
  {
    name: 'auth-mode',
    value: 'enforce|warn|open',
    default: 'enforce',
    description:
      '`enforce`, or `warn`, which lets changes without a valid token pass, and shows them, to introduce tokens; or, where there is no token, `open`, which lets every caller that reaches the port change lists',
  },
  {
    name: 'read-token',
    value: 'tokens',
    default: '',
    description:
      'tokens that guard reads of the API, the page and the metrics, separated by commas; without any, reads are open',
    isSecret: true,
  },
  {
    name: 'read-token-file',
    value: 'path',
    default: '',
    description: 'a file with tokens for reads, one a line; read again when it changes',
  },
  {
    name: 'allowed-members',
    value: 'networks',
    default: '',
    unset: 'all',
    description:
      'networks (`10.0.0.0/8`), addresses, host names and `*.domain` that may be newly listed, separated by commas',
  },
  {
    name: 'allowed-hosts',
    value: 'names',
    default: '',
    description:
      'host names and `*.domain`, separated by commas, by which browsers may open the page and the API, besides IP addresses, `localhost`, the name of this machine, names without a dot, `*.local`, `*.internal`, `*.svc` and `*.cluster.local`; `*` for all. Programs may use any name',
  },
  {
    name: 'verify-source',
    value: 'on|off',
    default: 'off',
    description: 'whether `self` must be the address that the request comes from',
    isSwitch: true,
  },
  {
    name: 'trusted-proxies',
    value: 'networks',
    default: '',
    description: 'networks and addresses, separated by commas, whose `X-Forwarded-For` is believed',
  },
  {
    name: 'write-rate-limit',
    value: 'number',
    default: '50',
    description:
      'changes a second that one client address may make, with bursts of ten times as many; a put or delete counts for each address that it names; 0 for no limit; polls and heartbeats of members, and their leaves, never count',
  },
  {
    name: 'max-addresses',
    value: 'number',
    default: String(DEFAULT_RULES.maxAddresses),
    description:
      'addresses of all clusters together, with those that wait and those that left lately; with more, raise the memory limit too. A start that finds more serves the clusters that were heard last, and logs a warning',
  },
  {
    name: 'max-clusters',
    value: 'number',
    default: String(DEFAULT_RULES.maxClusters),
    description: 'clusters of one server',
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

/** Names that settings had before the first release, with their replacements. */
export const RENAMED_SETTINGS = [
  { name: 'gate-hold', now: 'POLL_HOLD' },
  { name: 'examine', now: 'RAFT_CHECKS', isSwitch: true },
  { name: 'member-source', now: 'VERIFY_SOURCE (`on` for `strict`)' },
  { name: 'change-rate', now: 'WRITE_RATE_LIMIT' },
] as const;

export type SettingName = (typeof SETTINGS)[number]['name'];

/** A value with its source, such as `--port` or `PORT`, for error sentences. */
export interface GivenSetting {
  readonly text: string;
  readonly source: string;
  /** Whether it was given at all, even as an empty text. */
  readonly isGiven?: boolean;
}
