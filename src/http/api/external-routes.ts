import { z } from 'zod';
import { DEFAULT_RULES, MAX_ADDRESSES } from '../../registry/rules.js';
import { clusterName, listQuery, productName } from '../nacos/parameters.js';
import { METRICS_PATH } from '../metrics-route.js';
import { OFFICIAL_PATH } from '../nacos/official-api.js';
import { clusterParams } from './parameters.js';
import type { Described } from './route.js';

/**
 * Routes that are described here and answered elsewhere: the Nacos side (routes.ts, with the same schemas),
 * the official API (official-api.ts) and the metrics.
 */

const SERVERLIST = { product: 'nacos', cluster: 'serverlist' };
const { self, expect, id, revision, starting, unhealthy, wait, format, view, token } = listQuery.shape;
const SECURITY = [{}, { token: [] }, { bearer: [] }, { basic: [] }];
const REQUIRED_SELF = self.unwrap().meta(self.meta() ?? {});

const list = z.string().meta({
  description: 'One `host:port` a line.',
  examples: ['10.0.0.5:8848\n10.0.0.6:8848\n10.0.0.7:8848\n'],
});
const jsonList = z
  .object({ code: z.literal(200), message: z.null(), data: z.string() })
  .meta({ description: 'With `format=json`, for Nacos 1.3.0 to 2.0.2: the lines in `data`.' });
const text = z.string().meta({ description: 'A sentence.' });

const count = (number: number): string => number.toLocaleString('en-US');
const FULL =
  `The cluster holds ${count(MAX_ADDRESSES)} addresses, or the server as many clusters (MAX_CLUSTERS, ` +
  `${count(DEFAULT_RULES.maxClusters)} unless set) or addresses of all clusters (MAX_ADDRESSES, ` +
  `${count(DEFAULT_RULES.maxAddresses)} unless set) as it takes.`;

const LIST = {
  description: 'The list. `Address-Server-Revision` counts its changes.',
  type: 'text/plain',
  schema: list,
  or: { 'application/json': jsonList },
};
const UNTERMINATED =
  'There is no list that is safe to start from: bootstrapping, a closed gate, an unavailable store. To a Nacos node this, and ' +
  'any other answer without a list, is never complete: it is held for up to 2 s, and its chunked body ends without the ' +
  'last chunk, which every Nacos retries. Java’s own client gets it with the status 302, and reports the sentence, which stands in ' +
  'place of a port in `Location`: it contacts no host for that. Interactive clients, and callers that accept JSON, get the sentence.';
const WRONG = 'A parameter is wrong: the sentence names it.';
const TOKEN = {
  401: 'A token is needed, or the one given is not valid.',
  403: 'The token is for another cluster, the address may not be listed, or there is no token and the request does not come from where the member is heard.',
  429: 'Too many changes, or requests that were refused, came from this address lately: see Retry-After.',
};

const nacos = {
  path: '/{product}/{cluster}',
  tag: 'Nacos',
  params: clusterParams,
  isOperators: false,
} as const;

const NOT_STORED =
  'The store is unavailable: nothing was changed, or the store did not confirm in time and the outcome is unknown; the detail says which.';

export const NACOS_SIDE: readonly Described[] = [
  {
    ...nacos,
    method: 'get',
    name: 'getList',
    summary: 'The list, as Nacos polls it',
    description:
      'With `self` the poll is also a heartbeat: it registers the member or renews its lease. A listed member always ' +
      'gets the list, with itself on it (R2); a new one gets it when it is bootstrapped (R1) or past the gate (R3). Without ' +
      '`self` nothing changes, nor when a browser sends it: that is answered as one without. Parameters that are not named here are passed over. ' +
      '`/serverlist`, which a Nacos with the context path `/` asks for, is `/nacos/serverlist`.',
    access: 'none',
    security: SECURITY,
    query: z.object({ self, expect, id, format, view, token }),
    responses: { 200: LIST },
    problems: {
      400: WRONG,
      ...TOKEN,
      404: 'No address was ever listed or waits.',
      409: 'The address cannot be listed: another spelling of it is, or its `id` belongs to a live member.',
      503: UNTERMINATED,
      507: FULL,
    },
    examples: [
      { name: 'list', summary: 'The list', params: SERVERLIST, status: 200 },
      {
        name: 'poll',
        summary: 'A node polls, and renews its lease',
        params: SERVERLIST,
        query: { self: '10.0.0.5:8848', expect: '3' },
        status: 200,
      },
      {
        name: 'legacy',
        summary: 'Nacos 1.4',
        params: SERVERLIST,
        query: { self: '10.0.0.6:8848', format: 'json' },
        status: 200,
      },
      {
        name: 'live',
        summary: 'An SDK client: the members that answer now',
        params: SERVERLIST,
        query: { view: 'live' },
        status: 200,
      },
    ],
  },
  {
    ...nacos,
    method: 'head',
    name: 'headList',
    summary: 'Whether there is a list',
    description: 'As GET without `self`, without the body.',
    access: 'none',
    responses: { 200: { description: 'There is.', type: 'text/plain', schema: z.string() } },
    problems: { 404: 'No address was ever listed or waits.', 503: UNTERMINATED },
    examples: [{ name: 'head', summary: 'Is there a list?', params: SERVERLIST, status: 200 }],
  },
  {
    ...nacos,
    method: 'post',
    name: 'sendHeartbeat',
    summary: 'A heartbeat on behalf of a node',
    description:
      'For scripts and sidecars of nodes whose own poll carries no `self`. As long as nothing else is heard of it, a ' +
      'port that answers keeps such a member alive. An agent reports with `revision` which list it has given its Nacos, and waits ' +
      'with `wait` until there is another: so a change reaches it at once.',
    access: 'none',
    security: SECURITY,
    query: z.object({ self: REQUIRED_SELF, expect, id, revision, starting, unhealthy, wait, format, token }),
    responses: {
      200: LIST,
      202: {
        description:
          'It waits: the sentence says why, and `Address-Server-Waiting` in one word: bootstrapping, gate, left.',
        type: 'text/plain',
        schema: text,
      },
    },
    problems: {
      400: WRONG,
      ...TOKEN,
      404: 'With `unhealthy`: the address is not listed.',
      409: 'The address cannot be listed: another spelling of it is, or its `id` belongs to a live member.',
      503: 'The store is unavailable, and without it no new address is listed (R9).',
      507: FULL,
    },
    examples: [
      {
        name: 'heartbeat',
        summary: 'The node at 10.0.0.6 lives',
        params: SERVERLIST,
        query: { self: '10.0.0.6:8848' },
        status: 200,
      },
      {
        name: 'agent',
        summary: 'Its agent has given it revision 2, and waits a moment for another list',
        params: SERVERLIST,
        query: { self: '10.0.0.6:8848', revision: '2', wait: '100ms' },
        status: 200,
      },
    ],
  },
  {
    ...nacos,
    method: 'delete',
    name: 'leave',
    summary: 'A node leaves',
    description:
      'The node’s own request, which takes effect at once (R4). With `wait` it is answered when every other live member has the ' +
      'list without it and had 3 s to tell Raft. The node must run until then, so a `preStop` hook must wait for the answer. Where there is no ' +
      'token (`changes` is `local`) it counts from the node’s own address, from the one from which this server hears it, ' +
      'and from the server’s own machine.',
    access: 'none',
    security: SECURITY,
    query: z.object({ self: REQUIRED_SELF, wait, token }),
    responses: {
      200: {
        description: 'It has left; without `wait`, others may lack that list.',
        type: 'text/plain',
        schema: text,
      },
      202: {
        description: 'It has left; when `wait` was over, some lacked that list.',
        type: 'text/plain',
        schema: text,
      },
    },
    problems: {
      400: WRONG,
      ...TOKEN,
      404: 'It is neither listed nor waiting, nor did it leave lately.',
      503: NOT_STORED,
    },
    examples: [
      {
        name: 'leave',
        summary: 'The node at 10.0.0.7 is about to stop',
        params: SERVERLIST,
        query: { self: '10.0.0.7:8848', wait: '15s' },
        status: 200,
      },
    ],
  },
];

const official = {
  path: OFFICIAL_PATH,
  tag: 'Official',
  access: 'none',
  security: [{}, { basic: [] }, { bearer: [] }],
  isOperators: false,
  query: z.object({
    product: productName.default('nacos'),
    cluster: clusterName.default('serverlist'),
    ips: z.string().meta({
      description:
        'Addresses, separated by commas. Here they may have ports, be host names with a port or IPv6.',
      examples: ['10.0.0.1,10.0.0.2'],
    }),
  }),
} as const;

const officialAnswer = (description: string) => ({ description, type: 'text/plain', schema: text });

export const OFFICIAL_API: readonly Described[] = [
  {
    ...official,
    method: 'post',
    name: 'putNodes',
    summary: 'Puts static members',
    description:
      'With the parameters, texts and statuses of the official address server; also from a form. They are added to the ' +
      'list, stay until they are deleted, and count as live.',
    responses: { 200: officialAnswer('They are listed.') },
    problems: { 400: WRONG, ...TOKEN, 503: NOT_STORED },
    examples: [
      { name: 'put', summary: 'Two static members', query: { ips: '10.0.0.1,10.0.0.2' }, status: 200 },
    ],
  },
  {
    ...official,
    method: 'delete',
    name: 'deleteNodes',
    summary: 'Takes members off the list',
    description:
      'Takes off those that are listed. The nodes should run until the others have polled the list.',
    responses: { 200: officialAnswer('They are no longer listed.') },
    problems: {
      400: WRONG,
      ...TOKEN,
      404: 'No cluster of this product was ever bootstrapped.',
      503: NOT_STORED,
    },
    examples: [{ name: 'delete', summary: 'One of them', query: { ips: '10.0.0.2' }, status: 200 }],
  },
];

export const METRICS: Described = {
  method: 'get',
  path: METRICS_PATH,
  name: 'getMetrics',
  tag: 'Server',
  summary: 'Metrics for Prometheus',
  description: 'In the text format; all names start with `address_server_`.',
  access: 'all',
  responses: { 200: { description: 'The metrics.', type: 'text/plain', schema: z.string() } },
  examples: [{ name: 'metrics', summary: 'All metrics', status: 200 }],
};
