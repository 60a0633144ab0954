import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { SettingProblem } from '../../../config/setting-problem.js';
import type { ServerAddress, Tls } from './server-address.js';

/** A URL that cannot be used; the message is the end of a sentence that begins with the URL. */
export class UrlProblem extends SettingProblem {
  override readonly name = 'UrlProblem';
}

const TYPES = { mysql: 'mysql', mariadb: 'mysql', postgres: 'postgres', postgresql: 'postgres' } as const;
const PORTS = { mysql: 3306, postgres: 5432 } as const;
const MODES = ['disable', 'require', 'verify-ca', 'verify-full'] as const;
const OPTIONS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey'] as const;

type Option = (typeof OPTIONS)[number];

/** Whether the scheme is that of a database server. */
export function isServerUrl(url: string): boolean {
  return scheme(url) in TYPES;
}

/**
 * Parses `mysql://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full&sslrootcert=PATH` (also mariadb,
 * postgres and postgresql) and reads the files that it names. Throws {@link UrlProblem}, whose message never
 * has the password.
 */
export function parseServerUrl(text: string): ServerAddress {
  const type = TYPES[scheme(text) as keyof typeof TYPES];
  const example = `${type}://USER:PASSWORD@HOST:${PORTS[type]}/DATABASE`;
  // Parsed by hand: the standard parser accepts and repairs too much, and does not say what is wrong. A
  // password may have an unencoded @; a host never has one.
  const parts =
    /^[^:]+:\/\/(?:(.*)@)?(\[[^\]]*\]|[^:/?#@[\]]*)(?::([^/?#@]*))?(?:\/([^?#]*))?(?:\?([^#]*))?$/s.exec(
      text,
    );
  if (!parts)
    throw new UrlProblem(
      `is not the URL of a database; write ${example}, with special characters encoded, such as %40 for @`,
    );
  const [, userInfo, host = '', port, database, query] = parts;
  const colon = userInfo?.indexOf(':') ?? -1;
  const user = decoded('user', colon < 0 ? userInfo : userInfo?.slice(0, colon));
  const password = colon < 0 ? undefined : decoded('password', userInfo?.slice(colon + 1));
  if (user === '') throw new UrlProblem(`names no user; write ${example}`);
  if (host === '') throw new UrlProblem(`names no host; write ${example}`);
  const name = decoded('database', database);
  if (name === '') throw new UrlProblem(`names no database; write ${example}`);
  if (name.includes('/')) throw new UrlProblem(`names a database with a / in it; write ${example}`);
  return {
    type,
    host: hostOf(host),
    port: portOf(port, PORTS[type]),
    user,
    password: password === '' ? undefined : password,
    database: name,
    tls: tlsOf(optionsOf(query)),
  };
}

/**
 * A URL that is safe to print, however malformed. The password may be anything before the last @, anything
 * after a colon without an @, or the value of an unknown option.
 */
export function withoutCredentials(text: string): string {
  const [, start = '', rest = ''] = /^([a-z][a-z0-9+.-]*:(?:\/\/)?)?(.*)$/is.exec(text) ?? [];
  if (start.toLowerCase().startsWith('sqlite:')) return text;
  const at = rest.lastIndexOf('@');
  // A start without // is not a scheme but may be a user.
  if (at >= 0) return `${start.endsWith('//') ? start : ''}***@${withoutValues(rest.slice(at + 1))}`;
  if (start === '') return rest.includes('//') ? '***' : text;
  return start.endsWith('//') && !rest.includes(':') ? `${start}${withoutValues(rest)}` : `${start}***`;
}

/**
 * HOST:PORT/DATABASE?OPTIONS with anything masked that is not a port, and with the values of unknown options
 * masked.
 */
function withoutValues(text: string): string {
  const [place = '', ...query] = text.split('?');
  const port = place.replace(/^((?:\[[^\]]*\]|[^:/[]*):)(?!\d{1,5}(?:\/|$)).*$/s, '$1***');
  if (query.length === 0) return port;
  const options = query.join('?').split('&');
  const shown = options.map((option) => {
    const name = option.split('=')[0] ?? '';
    return OPTIONS.some((known) => known === name) ? option : `${name}=***`;
  });
  return `${port}?${shown.join('&')}`;
}

function scheme(url: string): string {
  return /^([a-z]+):/i.exec(url)?.[1]?.toLowerCase() ?? '';
}

function decoded(what: string, text = ''): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new UrlProblem(
      `has a ${what} with a % that starts no encoded character such as %40; write %25 for a %`,
    );
  }
}

function hostOf(text: string): string {
  if (!text.startsWith('[')) {
    const host = decoded('host', text);
    if (/^[A-Za-z0-9._-]+$/.test(host)) return host;
    throw new UrlProblem('has a host that is neither a name nor an address');
  }
  const host = text.slice(1, -1);
  if (isIP(host) === 6) return host;
  throw new UrlProblem('has a host in brackets that is not an IPv6 address');
}

function portOf(text: string | undefined, fallback: number): number {
  if (text === undefined || text === '') return fallback;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw new UrlProblem(
    'has a port that is not from 1 to 65535; if that is part of the password, write %3A for :, %2F for /, %3F for ?, %23 for # and %40 for @',
  );
}

function optionsOf(query = ''): ReadonlyMap<Option, string> {
  const options = new Map<Option, string>();
  for (const part of query.split('&')) {
    if (part === '') continue;
    const [name = '', ...value] = part.split('=');
    const option = OPTIONS.find((known) => known === name);
    if (option === undefined) {
      throw new UrlProblem(
        `has the option ${JSON.stringify(name)}; the known options are ${OPTIONS.join(', ')}`,
      );
    }
    if (options.has(option)) throw new UrlProblem(`has the option ${option} twice`);
    options.set(option, decoded(`value of ${option}`, value.join('=')));
  }
  return options;
}

function tlsOf(options: ReadonlyMap<Option, string>): Tls | undefined {
  const mode = options.get('sslmode') ?? 'disable';
  if (mode === 'prefer' || mode === 'allow') {
    throw new UrlProblem(
      `has sslmode=${mode}, with which an attacker in between can switch the encryption off unnoticed; set disable, or require or better`,
    );
  }
  const verify = MODES.find((known) => known === mode);
  if (verify === undefined) {
    throw new UrlProblem(`has sslmode=${JSON.stringify(mode)}; it is one of ${MODES.join(', ')}`);
  }
  const files = OPTIONS.filter((option) => option !== 'sslmode' && options.has(option));
  if (verify === 'disable') {
    if (files.length === 0) return undefined;
    throw new UrlProblem(
      `has ${files.join(', ')} without encryption; set sslmode to require, verify-ca or verify-full`,
    );
  }
  if (verify === 'require' && options.has('sslrootcert')) {
    throw new UrlProblem(
      'has sslrootcert with sslmode=require, which checks no certificate; set sslmode to verify-ca or verify-full',
    );
  }
  if (options.has('sslcert') !== options.has('sslkey')) {
    throw new UrlProblem('has one of sslcert and sslkey; a client certificate needs both');
  }
  const ca = file(options, 'sslrootcert');
  const cert = file(options, 'sslcert');
  const key = file(options, 'sslkey');
  return {
    verify,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

function file(options: ReadonlyMap<Option, string>, option: Option): string | undefined {
  const path = options.get(option);
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { message } = error as Error;
    throw new UrlProblem(`has ${option}=${path}, which cannot be read (${message})`);
  }
  if (/-----BEGIN [A-Z0-9 ]+-----/.test(text)) return text;
  throw new UrlProblem(`has ${option}=${path}, which is not a PEM file (it has no line "-----BEGIN …-----")`);
}
