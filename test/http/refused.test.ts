import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { describeRefused } from '../../src/cli/refused.js';
import { AllowedMembers } from '../../src/http/access/allowed-members.js';
import type { AccessSettings } from '../../src/http/access/settings.js';
import { parseTokens } from '../../src/http/access/token.js';
import type { EventView, RefusedCallers } from '../../src/http/api/schemas.js';
import { callersEn } from '../../src/page/text/callers-en.js';
import { callersZh } from '../../src/page/text/callers-zh.js';
import { REFUSED_CODES, type RefusedCode } from '../../src/registry/refused.js';
import type { ClusterSummary } from '../../src/registry/view.js';
import { MOST_ELSEWHERE, MOST_OF_CLUSTER, MOST_OF_SOURCE } from '../../src/runtime/refused-callers.js';
import { recordingLog } from '../support/log.js';
import { bootstrapCluster, pollPath } from '../support/nodes.js';
import { ask, CURL, getJson, JSON_CLIENT, NACOS, type RawAnswer } from '../support/raw.js';
import { startServer, type TestServer, type TestServerOptions } from '../support/server.js';

const A = '127.0.0.11:8848';
const B = '127.0.0.12:8848';
const CLUSTER = '/api/v1/clusters/nacos/serverlist';

const TOKEN = 'right-token-0123456789';
const ELSEWHERE = 'elsewhere-token-0123456789';
const TOKENS = {
  changeTokens: { tokens: parseTokens(`${TOKEN} nacos/other:${ELSEWHERE}`), file: undefined },
};

interface Case {
  readonly what: string;
  readonly method?: string;
  readonly path: string;
  readonly code: RefusedCode;
  /** Of the sentence that is answered and shown. */
  readonly says: RegExp;
  /** As it is shown. */
  readonly self?: string;
  /** Whether it names the cluster that exists. */
  readonly isNamed: boolean;
  readonly access?: Partial<AccessSettings>;
  readonly rules?: TestServerOptions['rules'];
}

const here = { isNamed: true } as const;
const nowhere = { isNamed: false } as const;

/** Nodes with a slip, each asked of a server with the cluster nacos/serverlist of A and B, A with the id `one`. */
const CASES: readonly Case[] = [
  {
    what: 'one segment',
    path: '/severlist?self=10.0.0.5:8848',
    code: 'path',
    self: '10.0.0.5:8848',
    says: /"\/severlist"; a list is at \/\{product\}\/\{cluster\}/,
    ...nowhere,
  },
  {
    what: 'three segments',
    path: '/nacos/v1/serverlist?self=10.0.0.5:8848',
    code: 'path',
    self: '10.0.0.5:8848',
    says: /a list is at/,
    ...nowhere,
  },
  { what: 'no path', path: '/', code: 'astray', says: /a list is at \/\{product\}\/\{cluster\}/, ...nowhere },
  {
    what: 'a final slash',
    path: '/nacos/serverlist/?self=10.0.0.5:8848',
    code: 'path',
    self: '10.0.0.5:8848',
    says: /"\/nacos\/serverlist\/"/,
    ...nowhere,
  },
  {
    what: 'a name that none can have',
    path: '/nacos/server+list?self=10.0.0.5:8848',
    code: 'path',
    self: '10.0.0.5:8848',
    says: /cluster="server\+list" is not a valid name/,
    ...nowhere,
  },
  {
    what: 'the API',
    path: '/api/v1/clusters/nacos/serverlist?self=10.0.0.5:8848',
    code: 'astray',
    self: '10.0.0.5:8848',
    says: /for operators, not a list/,
    ...nowhere,
  },
  {
    what: 'another name, and no self',
    path: '/nacos/severlist',
    code: 'unknown-cluster',
    says: /nacos\/severlist has no members/,
    ...nowhere,
  },
  {
    what: 'a bad self',
    path: pollPath('10.0.0.5:x'),
    code: 'self',
    self: '10.0.0.5:x',
    says: /^self="10\.0\.0\.5:x" /,
    ...here,
  },
  {
    what: 'a variable as Kubernetes writes it',
    path: pollPath('$(POD_IP):8848'),
    code: 'unexpanded',
    self: '$(POD_IP):8848',
    says: /^self="\$\(POD_IP\):8848" /,
    ...here,
  },
  {
    what: 'a variable as shells write it',
    path: pollPath('%24%7BPOD_IP%7D'),
    code: 'unexpanded',
    self: '${POD_IP}',
    says: /^self="\$\{POD_IP\}" /,
    ...here,
  },
  {
    what: 'a variable that was empty',
    path: pollPath(':8848'),
    code: 'unexpanded',
    self: ':8848',
    says: /^self=":8848" /,
    ...here,
  },
  {
    what: 'a self with broken encoding',
    path: pollPath('%zz'),
    code: 'self',
    self: '%zz',
    says: /broken percent-encoding/,
    ...here,
  },
  {
    what: 'self twice',
    path: pollPath(`${A}&self=${B}`),
    code: 'self',
    self: A,
    says: /is given twice/,
    ...here,
  },
  {
    what: 'the same id twice in the URL',
    path: pollPath('10.0.0.5&id=a&id=b'),
    code: 'parameter',
    self: '10.0.0.5',
    says: /id="b" is given twice/,
    ...here,
  },
  {
    what: 'a wrong expect',
    path: pollPath('10.0.0.5&expect=many'),
    code: 'parameter',
    self: '10.0.0.5',
    says: /^expect="many" /,
    ...here,
  },
  {
    what: 'the id of a live member',
    path: pollPath('127.0.0.1&id=one'),
    code: 'id-in-use',
    self: '127.0.0.1',
    says: /id=one belongs to 127\.0\.0\.11:8848, which is alive/,
    ...here,
  },
  {
    what: 'an address that nobody has',
    path: pollPath('169.254.1.1'),
    code: 'no-member-address',
    self: '169.254.1.1',
    says: /is a link-local address/,
    ...here,
  },
  {
    what: 'a heartbeat without self',
    method: 'POST',
    path: '/nacos/serverlist',
    code: 'no-self',
    says: /^self is missing/,
    ...here,
  },
  {
    what: 'a leave of a stranger',
    method: 'DELETE',
    path: pollPath('127.0.0.1:9999'),
    code: 'not-listed',
    self: '127.0.0.1:9999',
    says: /is not a member of nacos\/serverlist/,
    ...here,
  },
  {
    what: 'no token',
    path: pollPath('10.0.0.5'),
    code: 'token',
    self: '10.0.0.5',
    says: /a token is needed to change nacos\/serverlist/,
    access: TOKENS,
    ...here,
  },
  {
    what: 'a wrong token',
    path: pollPath('10.0.0.5&token=wrong-token-0123456789'),
    code: 'token',
    self: '10.0.0.5',
    says: /is not valid, or no longer/,
    access: TOKENS,
    ...here,
  },
  {
    what: 'another cluster’s token',
    path: pollPath(`10.0.0.5&token=${ELSEWHERE}`),
    code: 'scope',
    self: '10.0.0.5',
    says: /is for another cluster/,
    access: TOKENS,
    ...here,
  },
  {
    what: 'a wrong token, in a member’s name',
    path: pollPath(`${A}&token=wrong-token-0123456789`),
    code: 'token',
    self: A,
    says: /is not valid, or no longer/,
    access: TOKENS,
    ...here,
  },
  {
    what: 'not in ALLOWED_MEMBERS',
    path: pollPath('10.0.0.5'),
    code: 'member',
    self: '10.0.0.5',
    says: /in none of the networks of ALLOWED_MEMBERS/,
    access: { allowedMembers: AllowedMembers.parse('127.0.0.0/8') },
    ...here,
  },
  {
    what: 'VERIFY_SOURCE=on',
    path: pollPath('10.0.0.5'),
    code: 'source',
    self: '10.0.0.5',
    says: /is not where the request comes from, 127\.0\.0\.1/,
    access: { verifySource: true },
    ...here,
  },
  {
    what: 'a leave of a member from elsewhere',
    method: 'DELETE',
    path: pollPath('10.9.9.9'),
    code: 'not-listed',
    self: '10.9.9.9',
    says: /is not a member of/,
    ...here,
  },
  {
    what: 'one more than the server takes',
    path: pollPath('10.0.0.5'),
    code: 'too-many-addresses',
    self: '10.0.0.5',
    says: /more than 2 addresses/,
    rules: { maxAddresses: 2 },
    ...here,
  },
  {
    what: 'one more than a client may make',
    path: pollPath('10.0.0.5'),
    code: 'too-many-of-one',
    self: '10.0.0.5',
    says: /one client without a token may have 0|may have/,
    access: { clientAddresses: 1 },
    ...here,
  },
  {
    what: 'one more cluster than the server takes',
    path: '/nacos/other?self=10.0.0.5',
    code: 'too-many-clusters',
    self: '10.0.0.5',
    says: /holds 1 clusters already/,
    rules: { maxClusters: 1 },
    ...nowhere,
  },
];

async function startWith(
  t: Parameters<typeof startServer>[0],
  options: TestServerOptions,
): Promise<TestServer & { readonly lines: () => Record<string, unknown>[] }> {
  const { log, lines } = recordingLog();
  // strict: each member polls from its own address, which foundCluster does not.
  const { verifySource: _, clientAddresses: _c, ...access } = options.access ?? {};
  const isGuarded = access.changeTokens !== undefined;
  const first = await startServer(t, { ...options, access });
  const token = isGuarded ? `&token=${TOKEN}` : '';
  await bootstrapCluster(t, first, [A, B], (address) => `${token}${address === A ? '&id=one' : ''}`);
  await first.stop();
  const server = await startServer(t, {
    ...options,
    file: first.file,
    log,
    rules: { pollHold: 20, ...options.rules },
  });
  return { ...server, lines: () => lines().filter(({ msg }) => msg === 'refused') };
}

const callersAt = async (server: TestServer, path: string) =>
  (await getJson<RefusedCallers>(server, path)).callers;

const refusedEvents = async (server: TestServer): Promise<EventView[]> => {
  const { events } = await getJson<{ events: EventView[] }>(server, '/api/v1/events?limit=1000');
  return events.filter(({ type }) => type === 'refused');
};

describe('a refused caller leaves a trace', () => {
  for (const { what, method = 'GET', path, code, says, self, isNamed, access, rules } of CASES) {
    it(`${what}: ${code}`, async (t) => {
      const server = await startWith(t, {
        ...(access === undefined ? {} : { access }),
        ...(rules === undefined ? {} : { rules }),
      });
      if (code === 'too-many-of-one') await ask(server, 'GET', pollPath('10.0.0.4'), NACOS);
      // With the id of a member that was heard since the restart.
      if (code === 'id-in-use') await ask(server, 'GET', pollPath(`${A}&id=one`), NACOS);
      const answer: RawAnswer = await ask(server, method, path, method === 'GET' ? NACOS : CURL);
      if (answer.status === 200) assert.equal(self, A, 'who is listed is answered all the same (R2)');
      else assert.match(answer.body, says);

      const [named, strays] = [
        await callersAt(server, `${CLUSTER}/refused`),
        await callersAt(server, '/api/v1/refused'),
      ];
      const [callers, others] = isNamed ? [named, strays] : [strays, named];
      assert.deepEqual([callers.length, others.length], [1, 0], JSON.stringify([named, strays]));
      const { reason, lastMs, sinceMs, ...caller } = callers[0]!;
      assert.deepEqual(caller, {
        from: '127.0.0.1',
        ...(self === undefined ? {} : { self }),
        path: path.split('?', 1)[0],
        code,
        times: 1,
      });
      assert.deepEqual([lastMs, sinceMs], [0, 0]);
      assert.match(reason, says);
      assert.doesNotMatch(JSON.stringify(callers), /token-0123456789/);

      const { clusters } = await getJson<{ clusters: ClusterSummary[] }>(server, '/api/v1/clusters');
      assert.deepEqual(
        clusters.map(({ refused }) => refused),
        [isNamed ? 1 : undefined],
      );
      const [line, ...more] = server.lines();
      assert.deepEqual(
        [line?.client, line?.self, line?.code, line?.reason, line?.cluster, more.length],
        ['127.0.0.1', self, code, reason, isNamed ? 'nacos/serverlist' : undefined, 0],
      );
      const events = await eventsWhenThere(server, isNamed ? 1 : 0);
      assert.deepEqual(
        events.map(({ cluster, reason: told }) => [cluster, told.endsWith(reason)]),
        isNamed ? [['serverlist', true]] : [],
      );

      const text = describeRefused('', callers, Infinity).join('\n');
      for (const part of ['127.0.0.1', code, reason, self ?? '']) assert.ok(text.includes(part), text);
    });
  }

  it('every code has words on the page, in both languages', () => {
    for (const { refusedCode } of [callersEn, callersZh]) {
      assert.deepEqual(Object.keys(refusedCode).sort(), [...REFUSED_CODES].sort());
    }
  });

  it('every code but those of a flood, of spellings and of two with one self is met above', () => {
    const met = new Set(CASES.map(({ code }) => code));
    assert.deepEqual(
      REFUSED_CODES.filter((code) => !met.has(code)),
      ['other-spelling', 'same-self', 'rate'],
    );
  });
});

/** An event is stored after the answer. */
async function eventsWhenThere(server: TestServer, count: number): Promise<EventView[]> {
  const events = await refusedEvents(server);
  if (events.length >= count) return events;
  await new Promise(setImmediate);
  return eventsWhenThere(server, count);
}

test('other spellings of a member are told, and a member is one row however often it is refused', async (t) => {
  const server = await startWith(t, { access: TOKENS });
  const wrong = pollPath(`${A}&token=wrong-token-0123456789`);
  for (let i = 0; i < 3; i++) {
    await ask(server, 'GET', wrong, NACOS);
    await server.pass(5_000);
  }
  await ask(server, 'POST', wrong, CURL);
  const [caller, ...more] = await callersAt(server, `${CLUSTER}/refused`);
  assert.deepEqual([caller?.times, caller?.sinceMs, caller?.lastMs, more], [4, 15_000, 0, []]);
  const { members } = await getJson<{ members: { address: string; refused?: string }[] }>(server, CLUSTER);
  assert.deepEqual(
    members.map(({ refused }) => refused),
    [caller!.reason, undefined],
    'the member shows the same sentence',
  );
  await server.pass(16_000);
  const later = await getJson<{ members: { refused?: string }[] }>(server, CLUSTER);
  assert.equal(later.members[0]!.refused, undefined, 'after one lease it is of the past');
  assert.equal((await callersAt(server, `${CLUSTER}/refused`)).length, 1);

  await ask(server, 'POST', pollPath(`127.0.0.1:8848&token=${TOKEN}`), CURL);
  const spelled = await ask(server, 'POST', pollPath(`[::ffff:127.0.0.1]:8848&token=${TOKEN}`), CURL);
  assert.equal(spelled.status, 409, spelled.body);
});

test('AUTH_MODE=warn shows whose token lacks, and tells of no refusal', async (t) => {
  const server = await startWith(t, { access: { ...TOKENS, mode: 'warn' } });
  assert.equal((await ask(server, 'GET', pollPath(A), NACOS)).status, 200);
  assert.deepEqual(
    (await callersAt(server, `${CLUSTER}/refused`)).map(({ self, code }) => [self, code]),
    [[A, 'token']],
  );
  assert.deepEqual([server.lines(), await refusedEvents(server)], [[], []]);
});

test('what is shown is printable, cut, and without the secret of a mistyped URL', async (t) => {
  const server = await startWith(t, {});
  const secret = 'sesame-0123456789';
  for (const path of [
    `/nacos/serverlist?self=10.0.0.5:8848?token=${secret}`,
    `/nacos/serverlist?self=10.0.0.5%26token%3D${secret}`,
    `/nacos/serverlist&token=${secret}?self=10.0.0.5`,
    `/nacos/serverlist?self=http://nacos:${secret}@10.0.0.5:8848`,
    `/nacos/serverlist%3Ftoken%3D${secret}`,
    `/token=${secret}`,
  ]) {
    const answer = await ask(server, 'GET', path, NACOS);
    assert.notEqual(answer.status, 200);
  }
  await ask(server, 'GET', pollPath(`a%1B%5B31m%E2%80%AE${'b'.repeat(3_000)}`), NACOS);
  const callers = [
    ...(await callersAt(server, `${CLUSTER}/refused`)),
    ...(await callersAt(server, '/api/v1/refused')),
  ];
  assert.equal(callers.length, 7);
  const everything = JSON.stringify([callers, server.lines(), await refusedEvents(server)]);
  assert.doesNotMatch(everything, /sesame/);
  assert.doesNotMatch(everything, /[\x00-\x1f\u202e]/);
  for (const { self = '', path, reason } of callers) {
    assert.ok(self.length <= 120 && path.length <= 120 && reason.length <= 400);
  }
});

test('a caller that goes on is told to the log once an hour, and as an event once', async (t) => {
  const server = await startWith(t, {});
  for (let i = 0; i < 8; i++) {
    await ask(server, 'GET', pollPath('10.0.0.5:x'), CURL);
    server.time.pass(20 * 60_000);
  }
  assert.deepEqual(
    server.lines().map(({ times }) => times),
    [1, 4, 7],
  );
  assert.equal((await refusedEvents(server)).length, 1);
  const [caller] = await callersAt(server, `${CLUSTER}/refused`);
  assert.deepEqual([caller?.times, caller?.sinceMs, caller?.lastMs], [8, 8 * 20 * 60_000, 20 * 60_000]);
});

test('a flood of different callers fills neither the table, nor the log, nor the history', async (t) => {
  const server = await startWith(t, {});
  // The node with a slip, which comes again and again.
  const slip = () => ask(server, 'GET', pollPath('$(POD_IP):8848'), CURL, '', '127.0.3.3');
  for (let i = 0; i < 3; i++) await slip();
  for (let i = 0; i < 16; i++) {
    const from = `127.0.2.${i + 1}`;
    for (let j = 0; j <= MOST_OF_SOURCE; j++) {
      await ask(server, 'GET', pollPath(`flood-${i}-${j}:x`), CURL, '', from);
      await ask(server, 'GET', `/flood/${i}/${j}`, CURL, '', from);
    }
  }
  const named = await callersAt(server, `${CLUSTER}/refused`);
  const strays = await callersAt(server, '/api/v1/refused');
  assert.deepEqual([named.length, strays.length], [MOST_OF_CLUSTER, MOST_ELSEWHERE]);
  assert.equal(server.service.refused.size, MOST_OF_CLUSTER + MOST_ELSEWHERE);
  for (const callers of [named, strays]) {
    const most = Math.max(...callers.map(({ from }) => callers.filter((one) => one.from === from).length));
    assert.ok(most <= MOST_OF_SOURCE, `${most} of one source`);
  }
  assert.ok(
    named.some(({ self, times }) => self === '$(POD_IP):8848' && times === 3),
    'who came again is not displaced by those who came once',
  );
  assert.ok(server.lines().length <= 20, `${server.lines().length} lines`);
  const events = await refusedEvents(server);
  assert.ok(events.length >= 1 && events.length <= 5, `${events.length} events`);
  // Polls of members go on beside it.
  assert.equal((await ask(server, 'GET', pollPath(A), NACOS)).status, 200);
});

test('a browser’s own look leaves none', async (t) => {
  const server = await startWith(t, {});
  const browser = ['Host: 127.0.0.1:8080', 'User-Agent: Mozilla/5.0', 'Accept: */*'];
  for (const path of ['/favicon.ico', '/nacos/none', '/robots.txt']) await ask(server, 'GET', path, browser);
  assert.deepEqual(await callersAt(server, '/api/v1/refused'), []);
});

test('with tokens for reads, strays are for those who may read all, and a cluster’s callers for its readers', async (t) => {
  const tokens = parseTokens('reader-of-all-0123456789 nacos/serverlist:reader-of-one-0123456789');
  const server = await startServer(t, { access: { readTokens: { tokens, file: undefined } } });
  await bootstrapCluster(t, server, [A]);
  await ask(server, 'GET', '/severlist', CURL);
  await ask(server, 'POST', '/nacos/serverlist', CURL);
  const shownTo = async (path: string, token?: string): Promise<number> => {
    const bearer = token === undefined ? [] : [`Authorization: Bearer ${token}`];
    const { status, body } = await ask(server, 'GET', path, [...JSON_CLIENT, ...bearer]);
    return status === 200 ? (JSON.parse(body) as RefusedCallers).callers.length : status;
  };
  for (const [token, strays, named] of [
    [undefined, 401, 401],
    ['reader-of-one-0123456789', 0, 1],
    ['reader-of-all-0123456789', 1, 1],
  ] as const) {
    assert.deepEqual(
      [await shownTo('/api/v1/refused', token), await shownTo(`${CLUSTER}/refused`, token)],
      [strays, named],
    );
  }
});
