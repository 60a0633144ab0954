import { DESCRIBED } from '../../src/http/api/routes.js';
import { OFFICIAL_PATH } from '../../src/http/nacos/official-api.js';

/*
 * What requests are made of: valid, nearly valid and hostile. All texts are bytes, one character each (latin1).
 */

/** The token that guards the server under fire; no request has it. */
export const RIGHT_TOKEN = 'right-token-that-nobody-sends-0123456789';

/** What callers send for a token. It must not come back either: it may be right elsewhere. */
export const WRONG_TOKEN = 'wr0ng-t0ken-0123456789abcdef';

/** A cluster that nobody asks for, and whose name nobody may learn who may not read. */
export const HIDDEN = { product: 'hidden-product', name: 'hidden-cluster', address: '127.0.0.77:8848' };

export const MEMBERS = ['127.0.0.11:8848', '127.0.0.12:8848', '127.0.0.13:8848'];

/** Bytes of a text in UTF-8. */
export function utf8(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** For any parameter, path segment or header value. */
export const HOSTILE: readonly string[] = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\r\nX-Injected: yes',
  '\nSet-Cookie: a=b',
  '\x1b[31mred',
  '\x7f',
  '\x80\xff',
  '%',
  '%zz',
  '%00',
  '%0d%0aX-Injected:%20yes',
  '%C3%28',
  '%252e%252e%252f',
  '../../../../etc/passwd',
  '..\\..\\windows',
  '__proto__',
  'constructor',
  'toString',
  '[object Object]',
  'undefined',
  'null',
  'NaN',
  'Infinity',
  '-1',
  '1e309',
  '0x10',
  '9'.repeat(400),
  '1,2',
  "' OR '1'='1' --",
  '"; DROP TABLE address_server_member; --',
  '${7*7}{{7*7}}#{7*7}',
  '<script>alert(1)</script>',
  '`id`;$(id)|id',
  utf8('é\u202e\ufeff\u2028節點'),
  utf8('😀'),
  '\xf0\x9f\x98',
  'a'.repeat(300),
  'a'.repeat(6_000),
  '/',
  '?',
  '#',
  '&',
  '=',
  ';',
  '+',
  '*',
  ':',
];

/** Values by the parameter's name: right ones, and some that are nearly. */
const VALUES: Readonly<
  Record<string, { readonly right: readonly string[]; readonly wrong: readonly string[] }>
> = {
  self: {
    right: [
      ...MEMBERS,
      ...[
        '127.0.0.11',
        '127.0.0.21:8848',
        'auto',
        'auto:9000',
        '[2001:db8::1]:8848',
        'node-1.example:8848',
        'node-2.example.:8848',
        'fd00::b',
      ],
    ],
    wrong: [
      ...['NODE-1.example:8848', '127.0.0.1:0', '127.0.0.1:65536', '127.0.0.256', '::g', 'auto:', 'auto:x'],
      ...['127.0.0.11:8848,127.0.0.12:8848', 'http://127.0.0.11:8848', 'user@127.0.0.11:8848'],
    ],
  },
  expect: { right: ['1', '3'], wrong: ['99', '0', '100', '+3', '1.5', '03', utf8('３')] },
  id: { right: ['nacos-0', 'nacos-1', 'a'.repeat(253)], wrong: ['a'.repeat(254), '-', 'a b'] },
  wait: { right: ['0s', '5ms', '1s', '60s'], wrong: ['61s', '10', '-1s', '1h', '999999999h'] },
  format: { right: ['text', 'json'], wrong: ['JSON', 'xml'] },
  view: { right: ['live'], wrong: ['all'] },
  token: { right: [WRONG_TOKEN], wrong: [`nacos/serverlist:${WRONG_TOKEN}`, '', WRONG_TOKEN.repeat(40)] },
  product: { right: ['nacos', 'other'], wrong: ['api', ' nacos ', 'a/b', '..', 'a'.repeat(65)] },
  cluster: {
    right: ['serverlist', 'serverlist', 'unknown', 'nacos/serverlist'],
    wrong: ['nacos/serverlist/x', '.', 'a'.repeat(65)],
  },
  ips: {
    right: ['127.0.0.21', '127.0.0.21,127.0.0.22:9000', '127.0.0.11', 'node-1.example:8848'],
    wrong: [',', '127.0.0.11,127.0.0.11', 'a,b', '1.2.3.4:0', '[::1]:1'],
  },
  address: {
    right: [...MEMBERS, '127.0.0.11', '127.0.0.21:8848'],
    wrong: ['127.0.0.99:8848', '[2001:db8::1]:8848', 'nonsense:0'],
  },
  revision: { right: ['1', '0', '999999999999999'], wrong: ['-1', '9999999999999999'] },
  after: { right: ['0', '5', 'nacos/serverlist'], wrong: ['x', '1.2', '999999999999999'] },
  before: { right: ['1', '100'], wrong: ['0', 'x'] },
  limit: { right: ['1', '1000'], wrong: ['0', '1001', 'x', '1.0'] },
  force: { right: ['true', 'false'], wrong: ['1', 'TRUE'] },
};

export function valuesOf(parameter: string): { right: readonly string[]; wrong: readonly string[] } {
  const known = Object.hasOwn(VALUES, parameter) ? VALUES[parameter] : undefined;
  return known ?? { right: ['1'], wrong: ['a'] };
}

export const PARAMETERS = [
  ...Object.keys(VALUES),
  'namespace',
  '__proto__',
  'self[]',
  'self[a]',
  'Self',
  '%73elf',
];

/** A path as the table has it, with `{name}` for what is put in, and the query that it takes. */
export interface Route {
  readonly method: string;
  readonly path: string;
  readonly query: readonly string[];
}

/** Every route of the table, and what is answered beside it. */
export const ROUTES: readonly Route[] = [
  ...DESCRIBED.map(({ method, path, query }) => ({
    method: method.toUpperCase(),
    path,
    query: Object.keys(query?.shape ?? {}),
  })),
  ...['GET', 'POST', 'DELETE'].map((method) => ({
    method,
    path: '/nacos/serverlist',
    query: ['self', 'expect', 'id', 'format', 'view', 'wait', 'token'],
  })),
  ...['POST', 'DELETE'].map((method) => ({
    method,
    path: OFFICIAL_PATH,
    query: ['product', 'cluster', 'ips'],
  })),
  ...['/', '/api', '/metrics', '/favicon.ico', '/assets/app.js', '/nacos', '/nacos/serverlist/', '*', ''].map(
    (path) => ({ method: 'GET', path, query: [] }),
  ),
];

export const METHODS = [
  ...['HEAD', 'PUT', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'CONNECT', 'QUERY', 'PRI', 'M-SEARCH'],
  ...['get', 'GETT', 'G', '', ' GET', 'GET\t', 'POST\0', 'A'.repeat(300)],
];

export const VERSIONS = [
  'HTTP/1.0',
  'HTTP/0.9',
  'HTTP/2.0',
  'HTTP/1.2',
  'http/1.1',
  'HTTP/1.1 ',
  'HTTP',
  'ICY',
  '',
];

/** Header fields by what they are about. */
export const HEADERS = {
  host: [
    ...['Host: 127.0.0.1:8080', 'Host: lists.example', 'Host: [::1]:8080', 'Host:', 'Host: a b', 'HOST: h'],
    ...['Host: evil@h', 'Host: h\r\nHost: i', `Host: ${'h'.repeat(5_000)}`, 'Host : h', 'Host: h/../x?y'],
  ],
  agent: [
    ...['User-Agent: curl/8.5.0', 'User-Agent: Mozilla/5.0', 'User-Agent: kube-probe/1.30', 'User-Agent:'],
    ...['User-Agent: Nacos-Server', 'User-Agent: Java/1.8.0_392 (curl/8)', 'User-Agent: \x80\xff'],
  ],
  accept: [
    ...['Accept: */*', 'Accept: application/json', 'Accept: text/event-stream', 'Accept: text/html'],
    ...[
      'Accept: application/json;q=0',
      `Accept: ${'a/b,'.repeat(900)}`,
      'Accept: ;;,,/',
      'Accept-Encoding: gzip, br',
    ],
  ],
  site: [
    ...['Origin: http://127.0.0.1:8080', 'Origin: http://evil.example', 'Origin: null', 'Origin: \xff'],
    ...[
      'Sec-Fetch-Site: same-origin',
      'Sec-Fetch-Site: cross-site',
      'Sec-Fetch-Site: none',
      'Sec-Fetch-Site:',
    ],
  ],
  authorization: [
    `Authorization: Bearer ${WRONG_TOKEN}`,
    `Authorization: bearer  ${WRONG_TOKEN}`,
    `Authorization: Basic ${Buffer.from(`admin:${WRONG_TOKEN}`).toString('base64')}`,
    ...['Authorization: Basic !!!', 'Authorization: Basic', 'Authorization: Bearer', 'Authorization:'],
    `Authorization: Negotiate ${'A'.repeat(4_000)}`,
    `Authorization: Bearer ${'B'.repeat(4_000)}`,
  ],
  forwarded: [
    ...['X-Forwarded-For: 10.0.0.9', 'X-Forwarded-For: 10.0.0.9, 127.0.0.2', 'X-Forwarded-For: nonsense'],
    ...['X-Forwarded-For:', 'X-Forwarded-For: ::ffff:127.0.0.11', 'X-Forwarded-For: 127.0.0.11:8848'],
    `X-Forwarded-For: ${Array.from({ length: 500 }, (_, i) => `10.0.${i >> 8}.${i & 255}`).join(', ')}`,
    'Forwarded: for=127.0.0.11;host=evil',
    'X-Forwarded-Host: evil.example',
  ],
  connection: [
    ...['Connection: keep-alive', 'Connection: close', 'Connection: close, keep-alive', 'Connection: TE, x'],
    ...['Connection: upgrade\r\nUpgrade: websocket', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c'],
  ],
  type: [
    ...['Content-Type: application/x-www-form-urlencoded', 'Content-Type: application/json', 'Content-Type:'],
    ...['Content-Type: application/x-www-form-urlencoded; charset=utf-7', 'Content-Type: ;;;/'],
    ...[
      'Content-Type: multipart/form-data; boundary=x',
      'Content-Type: application/x-www-form-urlencoded;charset=\xff',
    ],
  ],
  encoding: ['gzip', 'deflate', 'br', 'identity', 'bogus', 'gzip, gzip'].map(
    (name) => `Content-Encoding: ${name}`,
  ),
  other: [
    ...['Expect: 100-continue', 'Expect: a-miracle', 'TE: trailers', 'Trailer: X-T', 'Range: bytes=0-1'],
    ...[
      'If-None-Match: *',
      'Cookie: a=b',
      'Last-Event-ID: 1',
      'Last-Event-ID: \x01',
      `Last-Event-ID: ${'9'.repeat(300)}`,
    ],
    ...[
      'X-HTTP-Method-Override: DELETE',
      '__proto__: x',
      'constructor: x',
      ': empty',
      'no colon',
      'X Y: z',
      'X: \0',
    ],
    ...['X: a\r\n folded', 'X:a', `X: ${'x'.repeat(5_000)}`, `X: ${'x'.repeat(17_000)}`, '\xff: x', 'X\t: y'],
    Array.from({ length: 99 }, (_, i) => `X-${i}: a`).join('\r\n'),
    Array.from({ length: 2_500 }, () => 'a:').join('\r\n'),
  ],
} as const satisfies Readonly<Record<string, readonly string[]>>;
