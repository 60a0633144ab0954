/* What a Nacos node must be told to find its cluster here (docs/internals/nacos.md, "The poll"). */

/** Tries of a starting node before it gives up; each is held for 2 s while it must wait, so this is five minutes. */
const RETRY = 150;

/** Largest `expect` that the server takes. */
const MAX_EXPECT = 99;

/** In place of the node's own address: no host name, so a node that polls with it is refused instead of listed. */
export const NODE_IP = 'NODE_IP';

/** *shell*: for a terminal or a script; *envFile*: for what reads lines as they stand, and would keep quotes (docker, systemd). */
export const SNIPPET_FORMS = ['shell', 'envFile', 'properties', 'kubernetes'] as const;
export type SnippetForm = (typeof SNIPPET_FORMS)[number];

export interface SnippetOf {
  readonly host: string;
  readonly port: string;
  /** `product/name`. */
  readonly key: string;
  /** How many nodes the cluster is meant to have. */
  readonly size: number;
  /** Whether a change, which a poll can be, needs a token. */
  readonly needsToken: boolean;
}

/** The configuration of one node, ready to be copied. */
export function snippet(form: SnippetForm, { host, port, key, size, needsToken }: SnippetOf): string {
  const self = form === 'kubernetes' ? '$(POD_IP)' : NODE_IP;
  const expect = Math.min(Math.max(size, 1), MAX_EXPECT);
  const url = `/${key}?self=${self}:8848&expect=${expect}${needsToken ? '&token=TOKEN' : ''}`;
  const variables = [
    ['NACOS_CORE_MEMBER_LOOKUP_TYPE', 'address-server'],
    ['NACOS_CORE_ADDRESS_SERVER_RETRY', `${RETRY}`],
    ['address_server_domain', host],
    ['address_server_port', port],
    ['address_server_url', url],
  ] as const;
  switch (form) {
    case 'shell':
      // Without quotes the shell would start what stands before the & in the background.
      return lines(...variables.map(([name, value]) => `export ${name}=${inShell(value)}`));
    case 'envFile':
      return lines(...variables.map(([name, value]) => `${name}=${value}`));
    case 'properties':
      return lines(
        'nacos.core.member.lookup.type=address-server',
        `nacos.core.address-server.retry=${RETRY}`,
        `address.server.domain=${host}`,
        `address.server.port=${port}`,
        `address.server.url=${url}`,
      );
    case 'kubernetes':
      return lines(
        'env:',
        '  - { name: POD_IP, valueFrom: { fieldRef: { fieldPath: status.podIP } } }',
        '  - { name: NACOS_SERVER_IP, value: $(POD_IP) }',
        '  - { name: NACOS_CORE_MEMBER_LOOKUP_TYPE, value: address-server }',
        `  - { name: NACOS_CORE_ADDRESS_SERVER_RETRY, value: '${RETRY}' }`,
        `  - { name: address_server_domain, value: '${host}' }`,
        `  - { name: address_server_port, value: '${port}' }`,
        `  - { name: address_server_url, value: '${url}' }`,
      );
  }
}

/** What shows how Raft would be repaired, and does it step by step: a command for a terminal. */
export function repairCommand(key: string, server: string): string {
  return `nacos-address-server doctor ${key} --repair --server ${inShell(server)}`;
}

/**
 * What repairs Raft by hand after a lost majority: a survivor is told that it is the only voter, and then to add the others
 * that are left (docs/internals/nacos.md, "Repair"; seen on 2.5.1). Raft's port is the main one less 1000.
 */
export function resetPeers(survivor: string, members: readonly string[]): string {
  const say = (command: string, value: string): string =>
    `curl -X POST 'http://${survivor}/nacos/v1/core/ops/raft' \\\n` +
    `  -H 'Content-Type: application/json' \\\n` +
    `  -d '${JSON.stringify({ command, value })}'`;
  const alone = say('resetPeers', raftAddress(survivor));
  if (members.length === 1) return alone;
  const all = say('restRaftCluster', members.map(raftAddress).join(','));
  return `${alone}\nsleep 15\n${all}`;
}

function raftAddress(address: string): string {
  const colon = address.lastIndexOf(':');
  return `${address.slice(0, colon)}:${Number(address.slice(colon + 1)) - 1_000}`;
}

/** A word of a shell, in quotes unless it is plain: a shell takes the brackets of an IPv6 address for a pattern. */
function inShell(word: string): string {
  return /^[\w.:/-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function lines(...text: readonly string[]): string {
  return `${text.join('\n')}\n`;
}
