import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { jsonLines, runCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/private-server.js';
import { startCli, startServerProcess, type ServerProcess } from '../support/process.js';
import { tempFolder } from '../support/temp.js';

const TOKEN = 'right-token-0123456789';
const READER = 'reader-token-0123456789';
const SCOPED = 'scoped-token-0123456789';
const WRONG = 'wrong-token-0123456789';

const A = '127.0.8.1:8848';

/** Every command that asks a server, with what it takes to ask it. */
const COMMANDS: readonly (readonly string[])[] = [
  ['members'],
  ['members', 'nacos/serverlist'],
  ['members', '--watch'],
  ['members', 'nacos/serverlist', '--watch'],
  ['events'],
  ['events', 'nacos/serverlist', '--follow'],
  ['leave', A],
  ['recover', 'nacos/serverlist', '--yes'],
  ['import', '--adopt', '--yes'],
];
/** One for each way to ask: once, for a stream, for a change. */
const DIFFERENT = [COMMANDS[0]!, COMMANDS[3]!, COMMANDS[6]!];
const CHANGES = new Set(['leave', 'recover', 'import']);

function start(t: TestContext, env: Record<string, string> = {}): Promise<ServerProcess> {
  return startServerProcess(t, { file: join(tempFolder(t), 'r.db'), env });
}

/** A server that needs tokens for everything, with one member. */
async function startGuarded(t: TestContext): Promise<ServerProcess> {
  const server = await start(t, { AUTH_TOKEN: `${TOKEN},nacos/other:${SCOPED}`, READ_TOKEN: READER });
  const authorization = `Bearer ${TOKEN}`;
  const { ok } = await fetch(`${server.url}/nacos/v1/as/nodes?ips=${A}`, {
    method: 'POST',
    headers: { authorization },
  });
  assert.ok(ok);
  return server;
}

/** Something that is not our server, and answers everything as the test says. */
async function startOther(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('--server', () => {
  it('takes a URL, HOST:PORT and IPv6, also from the variable; an empty one is none', async (t) => {
    const file = join(tempFolder(t), 'r.db');
    const server = await startServerProcess(t, { file, args: ['--host', '::1'] });
    for (const given of [
      `http://[::1]:${server.port}`,
      `[::1]:${server.port}`,
      `http://[0:0:0:0:0:0:0:1]:${server.port}/`,
    ]) {
      for (const [args, env] of [
        [['--server', given], { ADDRESS_SERVER_URL: 'http://127.0.0.1:1' }],
        [[], { ADDRESS_SERVER_URL: given }],
      ] as const) {
        const { status, out, err } = await runCli(t, ['members', ...args], env);
        assert.deepEqual([status, err], [0, '']);
        assert.match(out, /^no clusters yet\./);
        // What a node must be told, with this server's own address.
        assert.match(out, new RegExp(`^ {2}address\\.server\\.port=${server.port}$`, 'm'));
        assert.match(out, /^ {2}address\.server\.url=\/nacos\/serverlist\?self=NODE_IP:8848&expect=3$/m);
        assert.match(out, /^Replace \[::1\] with the address at which the nodes reach this server\.$/m);
        assert.match(out, /nacos-address-server demo$/m);
      }
    }
    const cli = startCli(t, ['events', '--follow', '--json', '--limit', '0'], {
      env: { ADDRESS_SERVER_URL: `[::1]:${server.port}` },
    });
    await fetch(`http://[::1]:${server.port}/nacos/serverlist?self=${A}`, { method: 'POST' });
    await eventually('an event', () => jsonLines(cli).length > 0);
    const { err } = await runCli(t, ['members'], { ADDRESS_SERVER_URL: '' });
    assert.ok(err === '' || err.includes('http://127.0.0.1:8080 '), err);
  });

  it('says of every command when no server is there', async (t) => {
    const port = await freePort();
    for (const args of COMMANDS) {
      const { status, out, err } = await runCli(t, [...args, '--server', `127.0.0.1:${port}`]);
      assert.deepEqual([status, out], [1, ''], args.join(' '));
      assert.match(
        err,
        /^nacos-address-server: http:\/\/127\.0\.0\.1:\d+ does not answer \(connect ECONNREFUSED .*\n$/,
      );
    }
  });

  it('names what is not a URL, by where it was given, without a secret in it', async (t) => {
    const flag = await runCli(t, ['events', '--server', 'nonsense'], {
      ADDRESS_SERVER_URL: 'http://127.0.0.1:1',
    });
    assert.match(flag.err, /: --server="nonsense" is neither a URL nor HOST:PORT; it is such as http/);
    const variable = await runCli(t, ['events'], {
      ADDRESS_SERVER_URL: 'http://admin:pass-word@127.0.0.1:1',
    });
    assert.match(
      variable.err,
      /: ADDRESS_SERVER_URL has a user or a password; give the server's token in the variable ADDRESS_SERVER_TOKEN/,
    );
    assert.doesNotMatch(variable.err, /pass-word/);
    assert.deepEqual([flag.status, variable.status], [1, 1]);
  });

  it('says when something else answers', async (t) => {
    const html = await startOther(t, (_, response) => response.end('<html>'));
    const elsewhere = await startOther(t, (_, response) => {
      response.writeHead(301, { Location: 'https://ops.example.org/api' }).end();
    });
    const cut = await startOther(t, (_, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '100' });
      response.write('{"clusters":', () => response.destroy());
    });
    for (const args of COMMANDS) {
      const other = await runCli(t, [...args, '--server', html]);
      assert.match(
        other.err,
        /answers, but is not an address server of this kind; is --server right\?\n$/,
        args.join(' '),
      );
      assert.equal(other.status, 1);
    }
    for (const args of DIFFERENT) {
      const moved = await runCli(t, [...args, '--server', elsewhere], { ADDRESS_SERVER_TOKEN: TOKEN });
      assert.match(moved.err, /sends its callers to https:\/\/ops\.example\.org; give that as --server\n$/);
      assert.equal(moved.status, 1);
    }
    const broken = await runCli(t, ['members', '--server', cut]);
    assert.equal(broken.status, 1);
    assert.match(broken.err, /^nacos-address-server: .* does not answer \(.*\n$/);
  });
});

describe('--token', () => {
  it('opens what is guarded, from the variable or the flag', async (t) => {
    const server = await startGuarded(t);
    for (const [args, env] of [
      [[], { ADDRESS_SERVER_TOKEN: TOKEN }],
      [['--token', TOKEN], { ADDRESS_SERVER_TOKEN: WRONG }],
      [[], { ADDRESS_SERVER_TOKEN: ` ${TOKEN}\n` }],
      [['--token', READER], {}],
    ] as const) {
      for (const command of [['members', 'nacos/serverlist'], ['events']]) {
        const { status, out, err } = await runCli(t, [...command, '--server', server.url, ...args], env);
        assert.deepEqual([status, err], [0, '']);
        assert.match(out, /127\.0\.8\.1:8848|bootstrapped/);
      }
    }
    const recover = await runCli(t, ['recover', 'nacos/serverlist', '--yes', '--server', server.url], {
      ADDRESS_SERVER_TOKEN: TOKEN,
    });
    assert.match(recover.err, /answers 409: nacos\/serverlist has a majority/);
    const leave = await runCli(t, ['leave', A, '--server', server.url], { ADDRESS_SERVER_TOKEN: TOKEN });
    assert.deepEqual([leave.status, leave.err], [0, '']);
  });

  it('streams with a token, and only what it is for', async (t) => {
    const server = await startGuarded(t);
    const all = startCli(t, ['events', '--follow', '--json', '--server', server.url], {
      env: { ADDRESS_SERVER_TOKEN: READER },
    });
    const scoped = startCli(t, ['members', '--watch', '--json', '--server', server.url], {
      env: { ADDRESS_SERVER_TOKEN: SCOPED },
    });
    await eventually('the history', () => jsonLines(all).length === 1);
    await fetch(`${server.url}/nacos/other?self=${A}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SCOPED}` },
    });
    await eventually('all', () => all.stdout().includes('"cluster":"other"'));
    await eventually('its own', () => jsonLines(scoped).length > 0);
    assert.doesNotMatch(scoped.stdout(), /serverlist/);
  });

  it('is said to be missing, wrong or for another cluster, with what to do', async (t) => {
    const server = await startGuarded(t);
    for (const args of COMMANDS) {
      const what = args.join(' ');
      const ask = (env: Record<string, string>) => runCli(t, [...args, '--server', server.url], env);
      const missing = await ask({});
      assert.match(
        missing.err,
        /answers 401: a token is needed .* \(give one in the variable ADDRESS_SERVER_TOKEN, or with --token\)\n$/,
        what,
      );
      const wrong = await ask({ ADDRESS_SERVER_TOKEN: WRONG });
      assert.match(
        wrong.err,
        /answers 401: the token .* is not valid.* \(ADDRESS_SERVER_TOKEN holds the token that was sent; ask the server’s operator/,
        what,
      );
      assert.deepEqual([missing.status, missing.out, wrong.status, wrong.out], [1, '', 1, ''], what);
      assert.ok(!wrong.err.includes(WRONG));
      // Reading about all clusters shows those that the token is for.
      if (!args.includes('nacos/serverlist') && args[0] !== 'leave') continue;
      const other = await ask({ ADDRESS_SERVER_TOKEN: SCOPED });
      assert.equal(other.status, 1, what);
      assert.match(
        other.err,
        /answers 403: the token .* is for another cluster.* \(ADDRESS_SERVER_TOKEN holds the token that was sent; /,
        what,
      );
      if (!CHANGES.has(args[0]!)) continue;
      const reader = await ask({ ADDRESS_SERVER_TOKEN: READER });
      assert.equal(reader.status, 1, what);
      assert.match(reader.err, /answers 401: the token that was given to change .* is not valid/, what);
    }
  });

  it('ends a watch when it is rotated out', async (t) => {
    const file = join(tempFolder(t), 'tokens');
    writeFileSync(file, `${READER}\n`);
    const server = await start(t, { READ_TOKEN_FILE: file });
    await fetch(`${server.url}/nacos/serverlist?self=${A}`, { method: 'POST' });
    const cli = startCli(t, ['members', '--watch', '--json', '--server', server.url], {
      env: { ADDRESS_SERVER_TOKEN: READER },
    });
    await eventually('the first', () => jsonLines(cli).length > 0);
    writeFileSync(file, `${TOKEN}\n`);
    assert.equal(await cli.exited, 1);
    assert.match(
      cli.stderr(),
      /answers 401: the token .* is not valid.* \(ADDRESS_SERVER_TOKEN holds the token that was sent; /,
    );
  });

  it('is not needed where none is, and does no harm there', async (t) => {
    const server = await start(t);
    for (const env of [{}, { ADDRESS_SERVER_TOKEN: WRONG }, { ADDRESS_SERVER_TOKEN: '' }]) {
      const { status, out } = await runCli(t, ['members', '--server', server.url], env);
      assert.equal(status, 0);
      assert.match(out, /^no clusters yet\./);
    }
  });

  it('is never printed', async (t) => {
    const secret = 'sec§ret-0123456789';
    for (const [token, sentence] of [
      [secret, /--token holds a character that no token has\n$/],
      [
        `nacos/serverlist:${SCOPED}`,
        /--token holds a character .*; of PRODUCT\/CLUSTER:TOKEN give only what follows/,
      ],
      [`${SCOPED}\nx`, /--token holds a character/],
    ] as const) {
      const { status, err } = await runCli(t, ['members', '--token', token]);
      assert.equal(status, 1);
      assert.match(err, sentence);
      assert.ok(!err.includes(token) && !err.includes(SCOPED));
    }
    for (const args of [[`--tokn=${TOKEN}`], [`--json=${TOKEN}`]]) {
      const { status, out, err } = await runCli(t, ['members', ...args]);
      assert.notEqual(status, 0);
      assert.match(err, /--tokn|--json/);
      assert.ok(!(out + err).includes(TOKEN), err);
    }
    // Something in between repeats what it was sent.
    const echo = await startOther(t, ({ headers }, response) => {
      response.writeHead(403).end(`denied: ${headers.authorization}`);
    });
    for (const args of DIFFERENT) {
      const { status, out, err } = await runCli(t, [...args, '--server', echo], {
        ADDRESS_SERVER_TOKEN: TOKEN,
      });
      assert.equal(status, 1);
      assert.match(err, /answers 403: denied: Bearer … \(/);
      assert.ok(!(out + err).includes(TOKEN));
    }
    for (const command of ['members', 'events', 'leave', 'recover', 'import']) {
      const { status, out } = await runCli(t, [command, '--help'], { ADDRESS_SERVER_TOKEN: TOKEN });
      assert.equal(status, 0);
      assert.ok(!out.includes(TOKEN));
    }
  });
});

describe('the help of the operators’ commands', () => {
  it('shows every option, that the variable is better for the token, and the exit statuses', async (t) => {
    for (const [command, options, statuses] of [
      ['members', ['--watch'], /0 done.*; 1 /],
      ['events', ['--follow', '--limit'], /0 done.*; 1 /],
      ['leave', ['--wait', '--force'], /0 done; 1 .*; 75 /],
      ['recover', ['--yes'], /0 done; 1 /],
      ['import', ['--adopt', '--dry-run', '--yes'], /0 done.*; 1 .*; 75 /],
    ] as const) {
      const { status, out: printed } = await runCli(t, [command, '--help']);
      assert.equal(status, 0);
      const out = printed.replace(/\s+/g, ' ');
      for (const option of ['--server', '--token', '--json', ...options])
        assert.ok(out.includes(`${option} `), option);
      assert.match(
        out,
        /env: ADDRESS_SERVER_URL\).*better in the variable, since all users of a machine see flags \(env: ADDRESS_SERVER_TOKEN\)/,
      );
      assert.match(out, new RegExp(`Exit status: ${statuses.source}`));
    }
  });
});

describe('what a server says', () => {
  it('moves no cursor and hides nothing', async (t) => {
    const evil = '\x1b[2J\x07a\nb\x9b1m\u202e';
    const cluster = {
      product: 'nacos',
      cluster: `x${evil}`,
      state: 'impaired',
      summary: evil,
      epoch: 1,
      revision: 1,
      members: [
        { address: evil, id: evil, state: evil, source: evil, settled: true, delivered: 1, refused: evil },
      ],
      waiting: [{ address: evil, waitingMs: 1, reason: evil }],
    };
    const event = {
      seq: 1,
      time: evil,
      type: evil,
      product: 'nacos',
      cluster: evil,
      revision: 1,
      reason: evil,
    };
    const url = await startOther(t, (request, response) => {
      const path = request.url ?? '';
      if (path.startsWith('/api/v1/stream')) {
        response.writeHead(200, { 'Content-Type': 'text/event-stream' });
        const snapshot = { clusters: [], server: { status: 'up', graceMs: 0 } };
        response.write(`event: snapshot\ndata: ${JSON.stringify(snapshot)}\n\n`);
        response.write(`event: cluster\ndata: ${JSON.stringify(cluster)}\n\n`);
        response.write(`event: events\ndata: ${JSON.stringify({ events: [{ ...event, seq: 2 }] })}\n\n`);
        return;
      }
      if (request.method === 'POST' && !path.includes('/good/')) {
        response.writeHead(409).end(JSON.stringify({ detail: evil }));
      } else if (request.method === 'DELETE') {
        response.end(JSON.stringify({ address: evil, revision: 1, pendingMembers: [evil] }));
      } else if (path.includes('/events')) response.end(JSON.stringify({ events: [event] }));
      else if (path.startsWith('/api/v1/clusters?') || path === '/api/v1/clusters') {
        response.end(JSON.stringify({ clusters: [cluster] }));
      } else response.end(JSON.stringify(cluster));
    });
    const ended: readonly (readonly string[])[] = [
      ['members'],
      ['members', '--json'],
      ['events'],
      ['events', '--json'],
      ['leave', A],
      ['leave', A, '--json'],
      ['recover', 'nacos/bad', '--yes'],
      ['recover', 'nacos/good', '--yes'],
    ];
    for (const args of ended) {
      const { out, err } = await runCli(t, [...args, '--server', url]);
      assert.match(out + err, /u001b\[2J/, args.join(' '));
      assert.doesNotMatch(out + err, /[^\P{C}\n]/u, args.join(' '));
    }
    for (const args of [
      ['members', 'nacos/x', '--watch'],
      ['members', 'nacos/x', '--watch', '--json'],
      ['events', '--follow'],
      ['events', '--follow', '--json'],
    ]) {
      const cli = startCli(t, [...args, '--server', url]);
      await eventually('it is printed', () => cli.stdout().includes('u001b[2J'));
      cli.child.kill('SIGTERM');
      await cli.exited;
      assert.doesNotMatch(cli.stdout() + cli.stderr(), /[^\P{C}\n]/u, args.join(' '));
    }
  });
});
