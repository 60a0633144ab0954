import type { ServerView } from '../http/api/schemas.js';
import { NODE_IP, snippet } from '../node-setup.js';
import { isLoopback } from '../registry/newcomer.js';
import type { Client } from './client.js';
import { lineWidth } from './output.js';
import { wrap } from './table.js';

/** The cluster that Nacos nodes poll by default, and its usual size. */
const USUAL = { key: 'nacos/serverlist', size: 3 };

/** The next steps for a server that has no clusters yet. Rejects with ClientError. */
export async function firstSteps(client: Client): Promise<string[]> {
  const { changes } = await client.getJson<Partial<ServerView>>('/api/v1/server');
  const { hostname, port, protocol } = new URL(client.name);
  const needsToken = changes === 'token';
  const settings = snippet('properties', {
    ...USUAL,
    host: hostname,
    port: port === '' ? (protocol === 'https:' ? '443' : '80') : port,
    needsToken,
  });
  const notes = [
    `Replace ${NODE_IP} with the node’s own address, exactly as Nacos knows itself.`,
    ...(needsToken ? ['Replace TOKEN with a token that may change this cluster.'] : []),
    ...(isLoopback(hostname.replace(/^\[|\]$/g, ''))
      ? [`Replace ${hostname} with the address at which the nodes reach this server.`]
      : []),
    ...(protocol === 'https:'
      ? ['Nacos polls by plain HTTP only: name the server itself, not a proxy before it.']
      : []),
    `The same as variables, and for Kubernetes: ${client.name}/`,
    'Without a Nacos at hand: nacos-address-server demo',
  ];
  return [
    ...wrap(
      'no clusters yet. A cluster appears with the first poll of a Nacos node; each needs in its application.properties:',
      lineWidth(),
    ),
    '',
    ...settings
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`),
    '',
    ...notes.flatMap((note) => wrap(note, lineWidth())),
  ];
}
