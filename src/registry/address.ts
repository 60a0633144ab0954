import { isIPv4, isIPv6 } from 'node:net';
import { unexpandedIn } from './unexpanded.js';

/**
 * A member's address as Nacos knows itself: `host:port`, IPv6 in brackets, port always written out. It is
 * kept letter for letter, because Nacos compares addresses as strings (2.5.1 `Member.equals`, `MemberUtil`).
 * It takes another spelling of the same address for another member, which becomes a phantom voter of its Raft
 * groups.
 */
export type Address = string;

/** Nacos's main port when an address names none (`server.port`, 2.5.1 `MemberUtil.singleParse`). */
export const DEFAULT_PORT = 8848;

/** Longest host name, in characters without a final dot (RFC 1035 §2.3.4). */
const MAX_HOST_LENGTH = 253;

export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

/**
 * Reads `host`, `host:port`, `[ipv6]` or `[ipv6]:port`, as Nacos does. A name may end with a dot, which makes
 * it absolute (2.5.1, seen). The problem is the end of a sentence that starts with the parameter and the
 * value: "… has a port outside 1 to 65535".
 */
export function parseAddress(text: string): Parsed<Address> {
  if (text === '') return problem('is empty, as a variable is that nobody set; it must be HOST:PORT');
  const unexpanded = unexpandedIn(text);
  if (unexpanded !== undefined) return problem(unexpanded);
  if (text.length > MAX_HOST_LENGTH + 8) return problem(`is longer than ${MAX_HOST_LENGTH} characters`);
  if (/[^\x21-\x7e]/.test(text)) {
    return problem('has blanks, control or non-ASCII characters; it must be HOST:PORT');
  }
  if (text.includes('://')) return problem('has a scheme; it must be HOST:PORT without http://');
  if (/[/?#]/.test(text)) return problem('has a path or a query; it must be HOST:PORT');

  const split = splitPort(text);
  if (!split.ok) return split;
  const { host, port } = split.value;
  const badPort = port === undefined ? undefined : checkPort(port);
  if (badPort !== undefined) return problem(badPort);
  const badHost = host.startsWith('[') ? checkIPv6(host.slice(1, -1)) : checkHost(host);
  if (badHost !== undefined) return problem(badHost);
  return { ok: true, value: `${host}:${port ?? DEFAULT_PORT}` };
}

/** An address without brackets that can be read in two ways. */
export interface Ambiguous {
  readonly ok: false;
  readonly problem: string;
  /** The whole text as an IPv6 address, and its last part as the port. */
  readonly either: readonly [Address, Address];
}

/**
 * Reads an address as people and variables write it, as {@link parseAddress} does, but without brackets
 * around IPv6 where only one reading is possible. `$(POD_IP):8848` is `fd00:0:0:0:0:0:0:5:8848` where the
 * address is written out, but `fd00::5:8848` is also an address by itself.
 */
export function readAddress(text: string): Parsed<Address> | Ambiguous {
  const asNacos = parseAddress(text);
  if (asNacos.ok) return asNacos;
  const { host, port } = splitAddress(text);
  const whole = isIPv6(text) ? parseAddress(`[${text}]`) : undefined;
  const parted =
    isIPv6(host) && !Number.isNaN(port)
      ? parseAddress(`[${host}]:${text.slice(host.length + 1)}`)
      : undefined;
  if (!whole?.ok || !parted?.ok) return whole?.ok ? whole : (parted ?? whole ?? asNacos);
  return {
    ok: false,
    problem: `is IPv6 without brackets, and may be ${parted.value} or ${whole.value}; write the one that is meant`,
    either: [whole.value, parted.value],
  };
}

/** The canonical form of an address: equal for two spellings of the same address. */
export function canonical(address: Address): string {
  const { host, port } = splitAddress(address);
  if (isIPv4(host)) return `${host}:${port}`;
  if (isIPv6(host)) {
    const plain = new URL(`http://[${host}]`).hostname.slice(1, -1);
    return `${embedded(plain) ?? `[${plain}]`}:${port}`;
  }
  const name = host.toLowerCase().replace(/\.$/, '');
  return `${(numericHost(name) && numeric(name)) || name}:${port}`;
}

/**
 * Whether some programs read a host name as an address: its last part is a decimal or hexadecimal number (URL
 * Standard, "ends in a number"; `inet_aton`).
 */
export function numericHost(host: string): boolean {
  return /(^|\.)(\d+|0x[0-9a-f]*)\.?$/i.test(host);
}

/** The IPv4 address that such programs read, for example 127.0.0.1 in 0x7f000001. */
function numeric(host: string): string | undefined {
  try {
    return new URL(`http://${host}`).hostname;
  } catch {
    return undefined;
  }
}

/**
 * The IPv4 address inside a shortened IPv6 one: IPv4-mapped (::ffff:a00:5), or the older IPv4-compatible form
 * (::a00:5).
 */
function embedded(plain: string): string | undefined {
  const [, high, low] = /^::(?:ffff:)?([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(plain) ?? [];
  if (high === undefined || low === undefined) return undefined;
  const bytes = [parseInt(high, 16), parseInt(low, 16)].flatMap((word) => [word >> 8, word & 255]);
  return bytes.join('.');
}

/** Host without brackets and port of an {@link Address}, as a socket wants them. */
export function splitAddress(address: Address): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon);
  return {
    host: host.startsWith('[') ? host.slice(1, -1) : host,
    port: Number(address.slice(colon + 1)),
  };
}

/** The address of a socket's remote end: IPv4-mapped IPv6 becomes IPv4, a zone is dropped. */
export function addressOf(remote: string, port: number): Address {
  const plain = remote.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
  return isIPv6(plain) ? `[${plain}]:${port}` : `${plain}:${port}`;
}

/** Reads a port in decimal digits, 1 to 65535; the problem is the end of a sentence. */
export function checkPort(text: string): string | undefined {
  if (text === '') return 'has no port, as when its variable is empty or not set';
  if (!/^\d{1,5}$/.test(text)) return `has the port "${text}", which is no number from 1 to 65535`;
  if (/^0\d/.test(text)) return `has the port ${text}; write it without leading zeros`;
  const port = Number(text);
  return port >= 1 && port <= 65535 ? undefined : `has the port ${text}, outside 1 to 65535`;
}

function splitPort(text: string): Parsed<{ host: string; port: string | undefined }> {
  if (text.startsWith('[')) {
    const match = /^(\[[^\]]*\])(?::(.*))?$/.exec(text);
    if (!match) return problem('has an unfinished bracket; IPv6 is written [::1]:8848');
    return { ok: true, value: { host: match[1] ?? '', port: match[2] } };
  }
  const parts = text.split(':');
  if (parts.length > 2) {
    return problem(
      isIPv6(text) || isIPv6(splitAddress(text).host)
        ? 'is IPv6 without brackets; write [::1]:8848'
        : 'has more than one colon; it must be HOST:PORT',
    );
  }
  return { ok: true, value: { host: parts[0] ?? '', port: parts[1] } };
}

function checkIPv6(host: string): string | undefined {
  if (host.includes('%')) return 'has an IPv6 zone, which means nothing on another machine';
  if (!isIPv6(host)) return 'has brackets around something that is not IPv6';
  return canonical(`[${host}]:1`) === '[::]:1'
    ? 'is the unspecified address; name the node itself'
    : undefined;
}

function checkHost(host: string): string | undefined {
  if (host === '') return 'has no host, as when its variable is empty or not set; it must be HOST:PORT';
  const name = host.replace(/\.$/, '');
  if (name.length > MAX_HOST_LENGTH) return `has a host longer than ${MAX_HOST_LENGTH} characters`;
  if (isIPv4(host)) {
    return host === '0.0.0.0' ? 'is the unspecified address; name the node itself' : undefined;
  }
  if (/^[\d.]+$/.test(host)) return 'looks like IPv4 and is not';
  const label = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
  return name.split('.').every((part) => label.test(part))
    ? undefined
    : 'has a host that is neither an IP address nor a host name (letters, digits, hyphens and dots)';
}

function problem(text: string): { ok: false; problem: string } {
  return { ok: false, problem: text };
}

/** Most addresses that a sentence names; a list may have thousands. */
const NAMED = 10;

/** Joins addresses for a sentence: the first ten, and how many more there are. */
export function joinLimited(addresses: readonly string[]): string {
  const shown = addresses.slice(0, NAMED).join(', ');
  return addresses.length > NAMED ? `${shown} and ${addresses.length - NAMED} more` : shown;
}
