import { networkInterfaces } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { parseDuration } from '../config/duration.js';
import {
  addressOf,
  canonical,
  checkPort,
  readAddress,
  splitAddress,
  type Address,
  type Parsed,
} from '../registry/address.js';
import { MAX_EXPECT } from '../registry/rules.js';
import { unexpandedIn } from '../registry/unexpanded.js';
import { LOG_LEVELS } from '../config/settings.js';
import { AgentSettingError, type Given } from './settings.js';

const name = /^[A-Za-z0-9._-]{1,64}$/;

const addressText = z.string().transform((text, context) => taken(parseOwn(text), context));

/** Reads a duration within bounds, in milliseconds. */
function time(least: number, most: number, range: string) {
  return z
    .string()
    .transform((text) => parseDuration(text) ?? NaN)
    .refine((ms) => ms >= least && ms <= most, `is not a duration from ${range}, such as 10s or 5m`);
}

const schema = z.object({
  server: z.string(),
  self: addressText,
  cluster: z.string().refine((text) => {
    const parts = text.split('/');
    return parts.length === 2 && parts.every((part) => name.test(part)) && parts[0] !== 'api';
  }, 'is not of the form product/cluster, such as nacos/serverlist'),
  'cluster-conf': z
    .string()
    .min(1, 'is empty; it is the path of a file')
    .transform((file) => resolve(file)),
  'last-list': z.string().min(1, 'is empty; it is the path of a file').optional(),
  expect: z
    .string()
    .regex(/^\d{1,3}$/, `is not a whole number from 1 to ${MAX_EXPECT}`)
    .transform(Number)
    .refine((n) => n >= 1 && n <= MAX_EXPECT, `is not a whole number from 1 to ${MAX_EXPECT}`)
    .optional(),
  id: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._:-]{0,252}$/,
      'is not an identity; it takes 1 to 253 letters, digits, dots, hyphens, underscores and colons',
    )
    .optional(),
  token: z.string().optional(),
  'token-file': z.string().min(1, 'is empty; it is the path of a file').optional(),
  nacos: addressText.optional(),
  listen: z
    .string()
    .transform((text, context) => taken(parseListen(text), context))
    .optional(),
  'ready-file': z.string().min(1, 'is empty; it is the path of a file').optional(),
  'gate-timeout': time(1_000, 24 * 3_600_000, '1s to 24h'),
  'start-timeout': time(1_000, 24 * 3_600_000, '1s to 24h'),
  leave: z.enum(['on', 'off'], 'is neither on nor off').transform((text) => text === 'on'),
  'hold-back': z.enum(['on', 'off'], 'is neither on nor off').transform((text) => text === 'on'),
  'leave-wait': time(0, 60_000, '0s to 60s'),
  'log-level': z.enum(LOG_LEVELS, `is unknown; it is one of ${LOG_LEVELS.join(', ')}`),
});

/** The values that may be given for the settings. */
export type AgentTexts = z.input<typeof schema>;

export type AgentSettings = Omit<z.output<typeof schema>, 'last-list'> & { readonly 'last-list': string };

/** Checks the given settings; throws {@link AgentSettingError}. */
export function readAgentSettings(given: ReadonlyMap<string, Given>): AgentSettings {
  const texts = Object.fromEntries([...given].map(([key, { text }]) => [key, text]));
  if (texts.self === undefined) {
    throw new AgentSettingError(
      'AGENT_SELF or --self is missing; it is this node’s address exactly as its Nacos knows itself, such as 10.0.0.5:8848',
    );
  }
  const read = schema.safeParse(texts);
  if (!read.success) {
    const issue = read.error.issues[0];
    const key = String(issue?.path[0]);
    const { text = '', source = key } = given.get(key) ?? {};
    throw new AgentSettingError(
      `${source}=${JSON.stringify(text)} ${unexpandedIn(text) ?? issue?.message ?? 'is wrong'}`,
    );
  }
  const conf = read.data['cluster-conf'];
  return {
    ...read.data,
    'last-list': resolve(read.data['last-list'] ?? join(dirname(conf), 'address-server.list')),
  };
}

/**
 * Reads this node's own address. An IPv6 address without brackets may mean two addresses: takes the one that
 * this machine has.
 */
function parseOwn(text: string): Parsed<Address> {
  if (/^auto(:|$)/i.test(text)) {
    return {
      ok: false,
      problem:
        'works only in a node’s own polls, whose source address the server sees; an agent must give HOST:PORT exactly as its Nacos knows itself, such as 10.0.0.5:8848',
    };
  }
  const address = readAddress(text);
  if (!('either' in address)) return address;
  const own = Object.values(networkInterfaces()).flatMap((all) =>
    (all ?? []).map((one) => addressOf(one.address, 1)),
  );
  const meant = address.either.find((one) =>
    own.some((at) => canonical(at) === canonical(addressOf(splitAddress(one).host, 1))),
  );
  return meant === undefined ? address : { ok: true, value: meant };
}

/** Reads `8081`, `127.0.0.1:8081` or `[::1]:8081`. */
function parseListen(text: string): Parsed<{ host: string | undefined; port: number }> {
  const match = /^(?:(\[[^\]]+\]|[^:]+):)?(\d+)$/.exec(text);
  const problem = match?.[2] === undefined ? 'is not [HOST:]PORT, such as 8081' : checkPort(match[2]);
  if (problem !== undefined) return { ok: false, problem };
  return { ok: true, value: { host: match?.[1]?.replace(/^\[|\]$/g, ''), port: Number(match?.[2]) } };
}

function taken<T>(parsed: Parsed<T>, context: z.core.$RefinementCtx): T {
  if (parsed.ok) return parsed.value;
  context.addIssue({ code: 'custom', message: parsed.problem });
  return z.NEVER;
}
