import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { formatDuration, parseDuration } from './duration.js';
import { DEFAULT_RULES, REPLACED_EVICT_AFTER, type Rules } from './registry/rules.js';

/** Everything that can be set, read and validated once. */
export interface Config {
  /** 0 to 65535; 0 picks a free port. */
  readonly port: number;
  /** The address to listen on; undefined for all interfaces, IPv6 included where there is. */
  readonly host: string | undefined;
  readonly databaseFile: string;
  /** Whether the file is the default one, whose folder is made if it is missing. */
  readonly isDefaultDatabase: boolean;
  readonly rules: Rules;
  readonly logLevel: LogLevel;
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const DEFAULT_DATABASE_URL = 'sqlite:./data/registry.db';

/** One setting: a flag and an environment variable of the same name. */
export interface Setting {
  /** As in `--member-ttl`; the variable is `MEMBER_TTL`. */
  readonly name: string;
  /** The value's placeholder in the help. */
  readonly value: string;
  readonly default: string;
  readonly description: string;
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
    description: 'where the members are kept: sqlite:PATH',
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
  { name: 'log-level', value: 'level', default: 'info', description: LOG_LEVELS.join(', ') },
] as const satisfies readonly Setting[];

export type SettingName = (typeof SETTINGS)[number]['name'];

/** A value with where it came from, as `--port` or `PORT`, for the sentence about what is wrong with it. */
export interface GivenSetting {
  readonly text: string;
  readonly source: string;
}

/** A setting that cannot be used: a sentence that names it and its value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const duration = (min: number, max: number) =>
  z
    .string()
    .transform((text) => parseDuration(text) ?? NaN)
    .refine(
      (ms) => ms >= min && ms <= max,
      `is no time from ${formatDuration(min)} to ${formatDuration(max)}, such as 15s`,
    );

const HOUR = 3_600_000;

const schema = z.object({
  port: z
    .string()
    .regex(/^\d{1,5}$/, 'is no port from 0 to 65535')
    .transform(Number)
    .refine((port) => port <= 65_535, 'is no port from 0 to 65535'),
  host: z.string().transform((host) => (host === '' ? undefined : host)),
  'database-url': z.string().transform((url, context) => {
    const file = sqliteFile(url);
    if (file.ok) return file.value;
    context.addIssue(file.problem);
    return z.NEVER;
  }),
  'member-ttl': duration(1_000, HOUR),
  'evict-after': duration(REPLACED_EVICT_AFTER, 24 * HOUR),
  'settle-after': duration(0, HOUR),
  'gate-hold': duration(0, DEFAULT_RULES.gateHold),
  probe: z.enum(['on', 'off'], 'is neither on nor off').transform((text) => text === 'on'),
  'log-level': z.enum(LOG_LEVELS, `is none of ${LOG_LEVELS.join(', ')}`),
});

/** Reads all settings. Throws {@link ConfigError} with a sentence for each that is wrong. */
export function readConfig(given: Readonly<Record<SettingName, GivenSetting>>): Config {
  const texts = Object.fromEntries(Object.entries(given).map(([name, { text }]) => [name, text]));
  const result = schema.safeParse(texts);
  if (!result.success) {
    const sentences = result.error.issues.map((issue) => {
      const { source, text } = given[issue.path[0] as SettingName];
      return `${source}=${JSON.stringify(withoutPassword(text))} ${issue.message}`;
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
  return {
    port: values.port,
    host: values.host,
    databaseFile: values['database-url'],
    isDefaultDatabase: given['database-url'].text === DEFAULT_DATABASE_URL,
    rules: {
      memberTtl: values['member-ttl'],
      evictAfter: values['evict-after'],
      settleAfter: values['settle-after'],
      gateHold: values['gate-hold'],
      probe: values.probe,
    },
    logLevel: values['log-level'],
  };
}

/** A URL as it may be printed. */
function withoutPassword(text: string): string {
  return text.replace(/(\/\/[^/@:]*):[^/]*@/, '$1:***@');
}

/** The file of `sqlite:PATH`, `sqlite:///ABSOLUTE/PATH` included. */
function sqliteFile(url: string): { ok: true; value: string } | { ok: false; problem: string } {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme !== 'sqlite') {
    return { ok: false, problem: 'is no database that this version knows; it takes sqlite:PATH' };
  }
  const path = url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
  if (path === '' || path.startsWith(':') || path.startsWith('//')) {
    return { ok: false, problem: 'names no file; it is sqlite:PATH, such as sqlite:./data/registry.db' };
  }
  return { ok: true, value: isAbsolute(path) ? path : resolve(path) };
}
