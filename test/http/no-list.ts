import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { AllowedMembers } from '../../src/http/access/allowed-members.js';
import { parseTokens } from '../../src/http/access/token.js';
import { FlakyStore } from '../support/flaky-store.js';
import { bootstrapCluster, pollPath } from '../support/nodes.js';
import { ask } from '../support/raw.js';
import { startServer, type TestServer, type TestServerOptions } from '../support/server.js';

/*
 * Whatever a Nacos node gets that is no list: its own log is to say why (unterminated.ts). own-log.test.ts looks at the bytes,
 * java-client.test.ts at what Java's own client makes of them.
 */

export const A = '127.0.0.11:8848';
const B = '127.0.0.12:8848';

const EXAMPLE = 'a list is at |{product}|{cluster}, usually |nacos|serverlist';

/** What a Nacos node asks for, and what its log is to show. */
export interface Case {
  readonly name: string;
  readonly options?: TestServerOptions;
  /** What is there before the node asks. */
  readonly before?: (server: TestServer, t: TestContext) => Promise<unknown>;
  readonly path: string;
  /** What the node's log shows. */
  readonly says: string;
  /** What people's clients get, complete. */
  readonly status: number;
}

/** The store of the server that was started last, where it can be taken away. */
let flaky: FlakyStore | undefined;

const TOKENS = { changeTokens: { tokens: parseTokens('right-token-0123456789'), file: undefined } };

export const CASES: readonly Case[] = [
  {
    name: 'it waits for the others',
    path: pollPath(A, '&expect=3'),
    says: 'nacos|serverlist is bootstrapping: 1 of 3 members wait',
    status: 503,
  },
  {
    name: 'it waits at the gate',
    before: async (server, t) => {
      await bootstrapCluster(t, server, [A]);
      await server.pass(40_000);
    },
    path: pollPath(B),
    says: '127.0.0.12:8848 waits to join nacos|serverlist: only 0 of 1 members are live',
    status: 503,
  },
  {
    name: 'it does not say who it is, and the others have not bootstrapped yet',
    before: (server) => ask(server, 'POST', pollPath(A, '&expect=3')),
    path: '/nacos/serverlist',
    says: 'nacos|serverlist has no list yet: 1 of 3 members wait',
    status: 503,
  },
  {
    name: 'it does not say who it is, and nobody has',
    path: '/nacos/nobody',
    says: 'nacos|nobody has no members: product=nacos not found.',
    status: 404,
  },
  {
    name: 'it calls itself what is no address',
    path: pollPath('[fd00::1]:88480'),
    says: 'self="(fd00::1):88480" ',
    status: 400,
  },
  {
    name: 'its address is written with what divides URLs',
    path: pollPath('user%40evil.example:80%2F%3F%23%0d%0a%E4%B8%AD'),
    says: 'self="user at evil.example:80||r|n_" has ',
    status: 400,
  },
  {
    name: 'a parameter is wrong',
    path: pollPath(A, '&expect=many'),
    says: 'expect="many" is not a whole number from 1 to ',
    status: 400,
  },
  {
    name: 'it has no token',
    options: { access: TOKENS },
    path: pollPath(A),
    says: 'a token is needed to change nacos|serverlist, and none was given; send token=... in the URL',
    status: 401,
  },
  {
    name: 'its token is wrong',
    options: { access: TOKENS },
    path: pollPath(A, '&token=wrong-token-0123456789'),
    says: 'the token that was given to change nacos|serverlist is not valid',
    status: 401,
  },
  {
    name: 'its address is not allowed',
    options: { access: { allowedMembers: AllowedMembers.parse('10.0.0.0/8') } },
    path: pollPath(A),
    says: '127.0.0.11:8848 may not be listed: it is in none of the networks of ALLOWED_MEMBERS',
    status: 403,
  },
  {
    name: 'it is not where it comes from',
    options: { access: { verifySource: true } },
    path: pollPath(A),
    says: 'self="127.0.0.11:8848" is not where the request comes from, 127.0.0.1, as VERIFY_SOURCE=on demands; use self=auto',
    status: 403,
  },
  {
    name: 'another spelling of it is listed',
    before: (server, t) => bootstrapCluster(t, server, ['nacos-0.example:8848']),
    path: pollPath('NACOS-0.example:8848'),
    says: 'NACOS-0.example:8848 is another spelling of nacos-0.example:8848',
    status: 409,
  },
  {
    name: 'its path has three segments',
    path: '/nacos/server/serverlist',
    says: `there is nothing at "|nacos|server|serverlist"; ${EXAMPLE}`,
    status: 404,
  },
  {
    name: 'its path has one',
    path: '/serverlists',
    says: `there is nothing at "|serverlists"; ${EXAMPLE}`,
    status: 404,
  },
  {
    name: 'it polls the page',
    path: '/',
    says: 'this is a page for people; a list is at |{product}|{cluster}',
    status: 200,
  },
  {
    name: 'it polls the API',
    path: '/api/v1/clusters',
    says: 'this is for operators, not a list; ask for application|json if you are one',
    status: 200,
  },
  {
    name: 'the store is away',
    options: { wrap: (real) => (flaky = new FlakyStore(real)) },
    before: () => Promise.resolve(flaky?.become('failing')),
    path: pollPath(A),
    says: 'the store is unavailable (',
    status: 503,
  },
  {
    name: 'its URL has a space',
    path: '/nacos/serverlist?self=127.0.0.11:8848 &expect=3',
    says: 'the request is not HTTP that this server understands ',
    status: 400,
  },
];

export function assertSays(text: string, { says }: Case): void {
  assert.ok(text.includes(`nacos-address-server says: ${says}`), text);
}

/** A server on which the case is so. */
export async function prepared(t: TestContext, { options, before }: Case): Promise<TestServer> {
  const server = await startServer(t, { ...options, rules: { pollHold: 30 } });
  await before?.(server, t);
  return server;
}
