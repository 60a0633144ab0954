/**
 * The settings with which a Nacos node finds its cluster here (docs/internals/nacos.md, "The poll"), for the
 * page and for `members`.
 */

/**
 * How often a starting node tries before it gives up. Each try is held for 2 s while it must wait, so this is
 * five minutes.
 */
const RETRY = 150;

/** Largest `expect` that the server takes. */
const MAX_EXPECT = 99;

/**
 * A placeholder for the node's own address. It is not a valid host name, so a node that polls with it is
 * refused instead of listed.
 */
export const NODE_IP = 'NODE_IP';

/**
 * *shell*: for a terminal or a script; *envFile*: for programs that read lines literally and would keep
 * quotes (docker, systemd).
 */
export const SNIPPET_FORMS = ['shell', 'envFile', 'properties', 'kubernetes'] as const;
export type SnippetForm = (typeof SNIPPET_FORMS)[number];

export interface SnippetOf {
  readonly host: string;
  readonly port: string;
  /** `product/name`. */
  readonly key: string;
  /** How many nodes the cluster is meant to have. */
  readonly size: number;
  /** Whether a change needs a token; a poll can be one. */
  readonly needsToken: boolean;
}

/** The configuration of one node, ready to copy. */
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
      // Without quotes the shell would run the part before the & in the background.
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

/**
 * A word for a shell, in quotes unless it is plain: a shell reads the brackets of an IPv6 address as a
 * pattern.
 */
export function inShell(word: string): string {
  return /^[\w.:/-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function lines(...text: readonly string[]): string {
  return `${text.join('\n')}\n`;
}
