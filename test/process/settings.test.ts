import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { SETTINGS } from '../../src/config/settings.js';
import { packageVersion } from '../../src/util/package-info.js';
import { startCli, startServerProcess } from '../support/process.js';
import { tempFolder } from '../support/temp.js';

/** Runs the command to its end. */
async function run(t: TestContext, args: string[], env: Record<string, string> = {}, cwd?: string) {
  const cli = startCli(t, args, { env, ...(cwd === undefined ? {} : { cwd }) });
  const status = await cli.exited;
  return { status, out: cli.stdout(), err: cli.stderr() };
}

describe('the command line', () => {
  it('prints its version', async (t) => {
    assert.deepEqual(await run(t, ['--version']), { status: 0, out: `${packageVersion()}\n`, err: '' });
  });

  it('shows every setting with its variable and default in the help', async (t) => {
    for (const args of [
      ['serve', '--help'],
      ['help', 'serve'],
    ]) {
      const { status, out: printed } = await run(t, args);
      assert.equal(status, 0);
      const out = printed.replace(/\s+/g, ' ');
      for (const { name, default: fallback } of SETTINGS) {
        assert.ok(out.includes(`--${name} `), `${args.join(' ')}: --${name}`);
        assert.ok(out.includes(`env: ${name.toUpperCase().replaceAll('-', '_')})`), name);
        assert.ok(out.includes(fallback), `${name}: ${fallback}`);
      }
    }
  });

  const wrong: [string, string[], Record<string, string>, RegExp][] = [
    ['a port that is none', ['--port', '99999'], {}, /--port="99999" is not a port/],
    ['a port that is a word', [], { PORT: 'web' }, /PORT="web" is not a port/],
    [
      'a time without a unit',
      ['--member-ttl', '15'],
      {},
      /--member-ttl="15" is not a duration .* such as 15s/,
    ],
    [
      'an eviction that is too early',
      [],
      { EVICT_AFTER: '29s' },
      /EVICT_AFTER="29s" is not a duration from 30s/,
    ],
    ['an eviction before the TTL', [], { MEMBER_TTL: '2m' }, /EVICT_AFTER="60s" is not longer/],
    ['a hold longer than Nacos waits', ['--poll-hold', '3s'], {}, /--poll-hold="3s"/],
    ['a probe that is neither', ['--probe', 'maybe'], {}, /--probe="maybe" is neither on nor off/],
    [
      'connections that are none',
      ['--max-connections', '0'],
      {},
      /--max-connections="0" is not a whole number/,
    ],
    ['more connections than there are', [], { MAX_CONNECTIONS: '1000001' }, /from 16 to 1000000/],
    ['a number that is none', [], { MAX_CONNECTIONS: '1e4' }, /MAX_CONNECTIONS="1e4" is not a whole number/],
    ['a level that is none', [], { LOG_LEVEL: 'loud' }, /LOG_LEVEL="loud" is not one of/],
    ['a database of another kind', [], { DATABASE_URL: 'redis://x' }, /DATABASE_URL="redis:\/\/x"/],
    ['a database in memory', [], { DATABASE_URL: 'sqlite::memory:' }, /names no file/],
    ['a switch that is neither', [], { MIGRATE: 'yes' }, /MIGRATE="yes" is neither on nor off/],
    ['a server without a database', [], { DATABASE_URL: 'mysql://u@h' }, /DATABASE_URL=.* names no database/],
    [
      'a network that is none',
      [],
      { TRUSTED_PROXIES: '10.0.0.0/33' },
      /TRUSTED_PROXIES=.* entry "10\.0\.0\.0\/33"/,
    ],
    [
      'a member that is none',
      [],
      { ALLOWED_MEMBERS: '10.0.0.256' },
      /ALLOWED_MEMBERS=.* entry "10\.0\.0\.256"/,
    ],
    ['a source that is none', ['--verify-source', 'own'], {}, /--verify-source="own" is neither on nor off/],
    ['a mode that is none', [], { AUTH_MODE: 'off' }, /AUTH_MODE="off" is not one of enforce, warn and open/],
    [
      'a mode that opens what a token guards',
      ['--auth-mode', 'open'],
      { AUTH_TOKEN: 'x'.repeat(20) },
      /--auth-mode="open" lets every caller change lists, but AUTH_TOKEN or AUTH_TOKEN_FILE guards them/,
    ],
    [
      'a host with a port',
      [],
      { ALLOWED_HOSTS: 'nacos.example.org:8080' },
      /ALLOWED_HOSTS=.* entry "nacos\.example\.org:8080", which is not a host name/,
    ],
    [
      'settings by the names that they had before',
      ['--no-examine', '--change-rate', '9'],
      { GATE_HOLD: '1s', MEMBER_SOURCE: 'strict' },
      /GATE_HOLD was renamed: set POLL_HOLD; --no-examine .*: set RAFT_CHECKS; MEMBER_SOURCE .*: set VERIFY_SOURCE \(`on` for `strict`\); --change-rate .*: set WRITE_RATE_LIMIT/,
    ],
    ['a rate that is none', [], { WRITE_RATE_LIMIT: '-1' }, /WRITE_RATE_LIMIT="-1" is not a whole number/],
    [
      'a token file that is not there',
      [],
      { AUTH_TOKEN_FILE: '/no/such' },
      /AUTH_TOKEN_FILE="\/no\/such" cannot be read/,
    ],
    ['a folder for a token file', [], { READ_TOKEN_FILE: '/' }, /READ_TOKEN_FILE="\/" cannot be read/],
    ['an identity that is none', [], { NACOS_IDENTITY: 'no key' }, /NACOS_IDENTITY is neither KEY:VALUE/],
    [
      'an identity that anybody would be sent',
      [],
      { NACOS_IDENTITY: 'key:value' },
      /NACOS_IDENTITY would be sent to every node that registers/,
    ],
    [
      'an identity behind tokens that are not enforced',
      [],
      { NACOS_IDENTITY: 'key:value', AUTH_TOKEN: 'x'.repeat(20), AUTH_MODE: 'warn' },
      /AUTH_MODE=warn guards nothing/,
    ],
    [
      'an offset that is none',
      ['--raft-port-offset', 'x'],
      {},
      /--raft-port-offset="x" is not a number of ports/,
    ],
    ['two at once', ['--port', 'x', '--probe', 'y'], {}, /--port="x".*; --probe="y"/],
  ];
  for (const [what, args, env, sentence] of wrong) {
    it(`refuses ${what} with a sentence`, async (t) => {
      const { status, out, err } = await run(t, ['serve', ...args], env);
      assert.equal(status, 78);
      assert.match(err, sentence);
      assert.equal(err.trim().split('\n').length, 1, err);
      assert.equal(out, '');
    });
  }

  it('refuses an unknown flag', async (t) => {
    const { status, err } = await run(t, ['serve', '--prot', '80']);
    assert.notEqual(status, 0);
    assert.match(err, /--prot/);
  });

  it('does not print a password of a database URL that it refuses', async (t) => {
    for (const url of [
      'mysql://nacos:secret@db',
      'mysql://nacos:se/c?r#e@t:secret@db:x/nacos',
      'postgres://nacos:secret/nacos',
      'postgres:nacos:secret',
      'oracle://nacos:secret@db/nacos',
      'postgres://nacos@db/nacos?password=secret',
      ' mysql://nacos:secret@db/nacos',
    ]) {
      for (const command of ['serve', 'migrate']) {
        const { status, err } = await run(t, [command], { DATABASE_URL: url });
        assert.equal(status, 78, url);
        assert.match(err, /DATABASE_URL=/);
        assert.doesNotMatch(err, /secret|se\/c/, url);
      }
    }
  });

  it('does not print a token that it refuses, nor one that it takes', async (t) => {
    const folder = tempFolder(t);
    const short = join(folder, 'short');
    writeFileSync(short, 'sh0rt-secret\n');
    for (const [env, sentence] of [
      [
        { AUTH_TOKEN: 'sh0rt-secret' },
        /^[^:]*: AUTH_TOKEN has in entry 1 a token of 12 characters; .*openssl rand/,
      ],
      [
        { AUTH_TOKEN: 'nacos:sh0rt-secret-sh0rt' },
        /AUTH_TOKEN has in entry 1 a colon, and before it no PRODUCT\/CLUSTER/,
      ],
      [
        { READ_TOKEN: '0123456789abcdef, sh0rt-secret-§-sh0rt' },
        /READ_TOKEN has in entry 2 a character that no token/,
      ],
      [{ AUTH_TOKEN_FILE: short }, /AUTH_TOKEN_FILE=".*short" has in entry 1 a token of 12 characters/],
      [{ AUTH_TOKEN_FILE: '/dev/null' }, /AUTH_TOKEN_FILE="\/dev\/null" holds no token/],
    ] as const) {
      const { status, err, out } = await run(t, ['serve', '--port', '0'], env, folder);
      assert.equal(status, 78);
      assert.match(err, sentence);
      assert.doesNotMatch(err + out, /sh0rt-secret/);
    }
    const token = 'a-secret-0123456789';
    const server = await startServerProcess(t, {
      file: join(folder, 'r.db'),
      env: { AUTH_TOKEN: `${token},other-token-0123456789`, LOG_LEVEL: 'trace' },
    });
    const paths = [
      `/nacos/serverlist?self=127.0.0.1:9&token=${token}`,
      `/nacos/serverlist?self=127.0.0.1:9&token=${token}&token=${token}`,
      `/nacos/serverlist?self=127.0.0.1:9&token=${token}%zz`,
      `/nacos/serverlist?self=x&token=${token}`,
      `/api/v1/clusters?token=${token}`,
      `/nacos/v1/as/nodes?ips=x&token=${token}`,
    ];
    let said = '';
    for (const path of paths) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        const answer = await fetch(server.url + path, {
          method,
          headers: { authorization: `Bearer ${token}` },
        });
        said += JSON.stringify([...answer.headers]) + (await answer.text());
      }
    }
    server.child.kill('SIGTERM');
    await server.exited;
    for (const text of [said, server.stdout(), server.stderr()]) assert.ok(!text.includes(token), text);
    assert.doesNotMatch(server.stdout(), /every caller that reaches this port/);
  });

  it('refuses a database that must not be used, and leaves it as it is', async (t) => {
    const file = join(tempFolder(t), 'notes.db');
    writeFileSync(file, 'notes, not a database'.repeat(100));
    const { status, err } = await run(t, ['serve', '--port', '0', '--database-url', `sqlite:${file}`]);
    assert.equal(status, 78);
    assert.match(err, /notes\.db is damaged or not an SQLite database/);
  });

  it('refuses a port in use', async (t) => {
    const other = createServer().listen(0, '127.0.0.1');
    t.after(() => other.close());
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const file = join(tempFolder(t), 'r.db');
    const args = ['serve', '--host', '127.0.0.1', '--port', String(port), '--database-url', `sqlite:${file}`];
    const { status, err } = await run(t, args);
    assert.equal(status, 75, 'the server that has it may be stopping');
    assert.match(err, new RegExp(`PORT=${port} is in use`));
  });

  it('makes the default database’s folder, and takes flags before variables', async (t) => {
    const cwd = tempFolder(t);
    const cli = startCli(t, ['--port', '0', '--host', '127.0.0.1'], { cwd, env: { PORT: 'nonsense' } });
    const { eventually } = await import('../support/eventually.js');
    await eventually('it listens', () => cli.stdout().includes('"listening"'));
    assert.ok(existsSync(join(cwd, 'data', 'registry.db')));
    cli.child.kill('SIGTERM');
    assert.equal(await cli.exited, 0);
  });
});

describe('migrate', () => {
  it('makes a SQLite file with the schema', async (t) => {
    const file = join(tempFolder(t), 'r.db');
    const { status, out, err } = await run(t, ['migrate', '--database-url', `sqlite:${file}`]);
    assert.deepEqual({ status, err }, { status: 0, err: '' });
    assert.match(out, /r\.db has schema version 2 and is up to date/);
    assert.ok(existsSync(file));
  });

  it('says with status 69 that a server cannot be reached', async (t) => {
    for (const kind of ['mysql', 'postgres']) {
      const { status, out, err } = await run(t, ['migrate'], {
        DATABASE_URL: `${kind}://u:secret@127.0.0.1:1/nacos`,
      });
      assert.equal(status, 69);
      assert.match(err, /SQL 127\.0\.0\.1:1\/nacos cannot be reached; check/);
      assert.equal(err.trim().split('\n').length, 1, err);
      assert.doesNotMatch(err, /secret/);
      assert.equal(out, '');
    }
  });
});
