import { z } from 'zod';
import { ConfigError, PassingProblem } from './config-error.js';
import { readDatabaseUrl, type DatabaseConfig } from './database-url.js';
import { parseIdentities, type NacosIdentities } from '../doctor/identity.js';
import { formatDuration, parseDuration } from './duration.js';
import { hostname } from 'node:os';
import { AllowedMembers } from '../http/access/allowed-members.js';
import { KnownHosts } from '../http/access/known-hosts.js';
import { parseNetworks } from '../http/access/networks.js';
import type { AccessSettings } from '../http/access/settings.js';
import { parseTokens, type Token } from '../http/access/token.js';
import { DEFAULT_RULES, REPLACED_EVICT_AFTER, type Rules } from '../registry/rules.js';
import { SettingProblem } from './setting-problem.js';
import {
  LOG_LEVELS,
  SETTINGS,
  type GivenSetting,
  type LogLevel,
  type Setting,
  type SettingName,
} from './settings.js';
import { withoutCredentials } from '../store/sql/client/url.js';

/** All settings, read and validated once. */
export interface Config {
  /** 0 to 65535; 0 picks a free port. */
  readonly port: number;
  /** The address to listen on; undefined for all interfaces, including IPv6 where available. */
  readonly host: string | undefined;
  readonly database: DatabaseConfig;
  /** Whether a start updates the schema of a database server, or only checks it. */
  readonly migrate: boolean;
  /** Connections open at once, 16 to 1,000,000. */
  readonly maxConnections: number;
  readonly rules: Rules;
  readonly access: AccessSettings;
  /** How to read the Nacos nodes. */
  readonly examine: {
    readonly isOn: boolean;
    readonly identities: NacosIdentities;
    /** How far a node's Raft port lies below its main port; negative when above. */
    readonly raftOffset: number;
  };
  readonly logLevel: LogLevel;
}

export { ConfigError, PassingProblem };

const duration = (min: number, max: number) =>
  z
    .string()
    .transform((text) => parseDuration(text) ?? NaN)
    .refine(
      (ms) => ms >= min && ms <= max,
      `is not a duration from ${formatDuration(min)} to ${formatDuration(max)}, such as 15s`,
    );

/** Reads a text with a function that throws a {@link SettingProblem}. */
const readAs = <T>(read: (text: string) => T) =>
  z.string().transform((text, context) => {
    try {
      return read(text);
    } catch (error) {
      if (!(error instanceof SettingProblem)) throw error;
      context.addIssue(error.message);
      return z.NEVER;
    }
  });

/** An empty text means no tokens; a text with only separators is refused. */
function tokensIn(text: string): Token[] {
  const tokens = parseTokens(text);
  if (text !== '' && tokens.length === 0) throw new SettingProblem('holds no token');
  return tokens;
}

const path = () => z.string().transform((text) => (text === '' ? undefined : text));

const onOrOff = () => z.enum(['on', 'off'], 'is neither on nor off').transform((text) => text === 'on');

const whole = (min: number, max: number) => {
  const problem = `is not a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, problem)
    .transform(Number)
    .refine((value) => value >= min && value <= max, problem);
};

const HOUR = 3_600_000;

const schema = z.object({
  port: z
    .string()
    .regex(/^\d{1,5}$/, 'is not a port from 0 to 65535')
    .transform(Number)
    .refine((port) => port <= 65_535, 'is not a port from 0 to 65535'),
  host: z.string().transform((host) => (host === '' ? undefined : host)),
  'database-url': readAs(readDatabaseUrl),
  migrate: onOrOff(),
  'member-ttl': duration(1_000, HOUR),
  'evict-after': duration(REPLACED_EVICT_AFTER, 24 * HOUR),
  'settle-after': duration(0, HOUR),
  'poll-hold': duration(0, DEFAULT_RULES.pollHold),
  probe: onOrOff(),
  'auth-token': readAs(tokensIn),
  'auth-token-file': path(),
  'auth-mode': z.enum(['enforce', 'warn', 'open'], 'is not one of enforce, warn and open'),
  'read-token': readAs(tokensIn),
  'read-token-file': path(),
  'allowed-members': readAs((text) => AllowedMembers.parse(text)),
  'allowed-hosts': readAs((text) => KnownHosts.parse(text)),
  'verify-source': onOrOff(),
  'trusted-proxies': readAs(parseNetworks),
  'write-rate-limit': whole(0, 999_999),
  'raft-checks': onOrOff(),
  'nacos-identity': readAs(parseIdentities),
  'raft-port-offset': z
    .string()
    .regex(/^-?\d{1,5}$/, 'is not a number of ports, such as 1000')
    .transform(Number),
  'max-connections': whole(16, 1_000_000),
  'max-addresses': whole(10, 1_000_000),
  'max-clusters': whole(1, 100_000),
  'client-addresses': whole(0, 1_000_000),
  'client-clusters': whole(0, 100_000),
  'log-level': z.enum(LOG_LEVELS, `is not one of ${LOG_LEVELS.join(', ')}`),
});

/**
 * Settings that close something when given. An empty one, from a variable that was not filled in, would leave
 * it open.
 */
const GUARDS = ['auth-token', 'auth-token-file', 'read-token', 'read-token-file'] as const;

/** Whether registering a member is restricted. Judges the parsed values, not their texts. */
function isGuarded(values: z.output<typeof schema>): boolean {
  if (values['allowed-members'] !== undefined) return true;
  return hasTokens(values) && values['auth-mode'] === 'enforce';
}

function hasTokens(values: z.output<typeof schema>): boolean {
  return values['auth-token'].length > 0 || values['auth-token-file'] !== undefined;
}

/** Reads all settings. Throws {@link ConfigError} with a sentence for each that is wrong. */
export function readConfig(given: Readonly<Record<SettingName, GivenSetting>>): Config {
  const empty = GUARDS.filter((name) => given[name].isGiven === true && given[name].text.trim() === '');
  if (empty.length > 0) {
    const sentences = empty.map((name) => {
      const lacks = name.endsWith('-file') ? 'names no file' : 'holds no token';
      return `${given[name].source} is empty and ${lacks}: leave it out if nothing is to be guarded`;
    });
    throw new ConfigError(sentences.join('; '));
  }
  const texts = Object.fromEntries(Object.entries(given).map(([name, { text }]) => [name, text]));
  const result = schema.safeParse(texts);
  if (!result.success) {
    const sentences = result.error.issues.map((issue) => {
      const name = issue.path[0] as SettingName;
      return `${nameAndValue(given[name], isSecret(name))} ${issue.message}`;
    });
    throw new ConfigError(sentences.join('; '));
  }
  const values = result.data;
  if (values['evict-after'] <= values['member-ttl']) {
    const { source, text } = given['evict-after'];
    throw new ConfigError(
      `${source}=${JSON.stringify(text)} is not longer than the member TTL of ${formatDuration(values['member-ttl'])}`,
    );
  }
  if (values['auth-mode'] === 'open' && hasTokens(values)) {
    throw new ConfigError(
      `${given['auth-mode'].source}="open" lets every caller change lists, but AUTH_TOKEN or AUTH_TOKEN_FILE guards them: leave one of them out`,
    );
  }
  const identities = values['nacos-identity'];
  if (identities.size > 0 && !isGuarded(values)) {
    throw new ConfigError(
      `${given['nacos-identity'].source} would be sent to every node that registers, and any caller may register one; set AUTH_TOKEN (or AUTH_TOKEN_FILE; AUTH_MODE=warn guards nothing) or ALLOWED_MEMBERS, too`,
    );
  }
  return {
    port: values.port,
    host: values.host,
    database: values['database-url'],
    migrate: values.migrate,
    maxConnections: values['max-connections'],
    rules: {
      memberTtl: values['member-ttl'],
      evictAfter: values['evict-after'],
      settleAfter: values['settle-after'],
      pollHold: values['poll-hold'],
      probe: values.probe,
      maxAddresses: values['max-addresses'],
      maxClusters: values['max-clusters'],
    },
    access: {
      changeTokens: { tokens: values['auth-token'], file: values['auth-token-file'] },
      readTokens: { tokens: values['read-token'], file: values['read-token-file'] },
      mode: values['auth-mode'],
      allowedMembers: values['allowed-members'],
      allowedHosts: values['allowed-hosts'].and([
        hostname(),
        ...(values.host === undefined ? [] : [values.host]),
      ]),
      verifySource: values['verify-source'],
      trustedProxies: values['trusted-proxies'],
      writeRateLimit: values['write-rate-limit'],
      clientAddresses: values['client-addresses'],
      clientClusters: values['client-clusters'],
    },
    examine: { isOn: values['raft-checks'], identities, raftOffset: values['raft-port-offset'] },
    logLevel: values['log-level'],
  };
}

/** Reads the database's setting alone, for commands that need nothing else. Throws {@link ConfigError}. */
export function readDatabase(given: GivenSetting): DatabaseConfig {
  try {
    return readDatabaseUrl(given.text);
  } catch (error) {
    if (!(error instanceof SettingProblem)) throw error;
    throw new ConfigError(`${nameAndValue(given)} ${error.message}`);
  }
}

function isSecret(name: SettingName): boolean {
  const setting: Setting | undefined = SETTINGS.find((one) => one.name === name);
  return setting?.isSecret === true;
}

function nameAndValue({ source, text }: GivenSetting, secret = false): string {
  return secret ? source : `${source}=${JSON.stringify(withoutCredentials(text))}`;
}
