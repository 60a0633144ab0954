import { BlockList, isIP } from 'node:net';
import { addressOf, canonical, DEFAULT_PORT, numericHost, splitAddress, type Address } from './address.js';

/*
 * Which addresses may be listed for the first time. A listed address stays (R2), as it is spelled: a live
 * node is harmed for good when a list drops it (injury 2), or when a list corrects its spelling.
 */

/** Networks whose addresses no member on another machine can have, with their names. */
const NOBODYS = [
  ['a link-local address, which means nothing on another machine', ['169.254.0.0/16', 'fe80::/10']],
  ['a multicast address', ['224.0.0.0/4', 'ff00::/8']],
  ['the broadcast address', ['255.255.255.255/32']],
  // RFC 1122 §3.2.1.3: "this host on this network", a source only.
  ['an unspecified address', ['0.0.0.0/8', '::/128']],
] as const;

const LOOPBACK = blockList(['127.0.0.0/8', '::1/128']);

const LISTS = NOBODYS.map(([what, networks]) => [what, blockList(networks)] as const);

/** All of them in one list: one check each when a thousand addresses are put. */
const ALL = blockList(NOBODYS.flatMap(([, networks]) => [...networks]));

/**
 * Why an address may not be listed for the first time, for any caller: the end of a sentence that starts with
 * the address.
 */
export function objectionToNewcomer(address: Address): string | undefined {
  const { host, port } = splitAddress(address);
  const plain = splitAddress(canonical(address)).host;
  if (isIP(host) !== 4 && isIP(plain) === 4) {
    const right = `${plain}:${port}`;
    const how = isIP(host) === 6 ? 'written as IPv6' : 'in another spelling';
    return `is ${right} ${how}; use ${right}, or Nacos would take the two for different members`;
  }
  if (/^auto$/i.test(host)) {
    return 'is no address; self=auto, in small letters, stands for the one that a poll or a POST of a node comes from, and nowhere else';
  }
  if (/^(null|undefined|none|nil)$/i.test(host)) {
    return `has the host ${host}, as programs write a variable that has no value; name the node itself`;
  }
  if (isIP(host) === 0 && numericHost(host)) {
    return 'has a host that ends in a number and is no IPv4 address; programs do not agree on what that is';
  }
  const what = nobodys(plain);
  return what && `is ${what}; name the node as the others reach it`;
}

/**
 * Names the kind of an IP address behind a host name, when it may not be probed: an address that no member
 * may use itself cannot be used through a name either. `isOwn`: this machine resolves the name to itself, so
 * its own loopback may be meant.
 */
export function objectionToMeaning(ip: string, isOwn: boolean): string | undefined {
  const plain = splitAddress(canonical(addressOf(ip, DEFAULT_PORT))).host;
  if (!isOwn && holds(LOOPBACK, plain)) return 'a loopback address, which every machine has';
  return nobodys(plain);
}

function nobodys(plain: string): string | undefined {
  if (!holds(ALL, plain)) return undefined;
  return LISTS.find(([, list]) => holds(list, plain))?.[0];
}

/** Whether a host, without brackets, always names the machine that resolves it. */
export function isLoopback(host: string): boolean {
  const family = isIP(host);
  // RFC 6761 §6.3; the last two are Debian's.
  if (family === 0 && /^(([^.]+\.)*localhost|ip6-localhost|ip6-loopback)\.?$/i.test(host)) return true;
  const form = family === 6 ? `[${host}]` : host;
  return holds(LOOPBACK, splitAddress(canonical(`${form}:${DEFAULT_PORT}`)).host);
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    list.addSubnet(address, Number(prefix), isIP(address) === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

function holds(list: BlockList, host: string): boolean {
  const family = isIP(host);
  return family !== 0 && list.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
