import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ConfigError, readConfig } from '../../../src/config/config.js';
import { SETTINGS, type GivenSetting, type SettingName } from '../../../src/config/settings.js';
import { nameOf } from '../../../src/store/sql/client/server-address.js';
import { parseServerUrl, withoutCredentials } from '../../../src/store/sql/client/url.js';
import { tempFolder } from '../../support/temp.js';

const mysql = {
  type: 'mysql',
  host: 'db',
  port: 3306,
  user: 'u',
  password: undefined,
  database: 'd',
  tls: undefined,
};
const postgres = { ...mysql, type: 'postgres', port: 5432 };

describe('a URL of a database server', () => {
  const good: [string, object][] = [
    ['mysql://u@db/d', mysql],
    ['mariadb://u@db/d', mysql],
    ['MySQL://u@db:/d', mysql],
    ['postgres://u@db/d', postgres],
    ['postgresql://u@db:5433/d', { ...postgres, port: 5433 }],
    ['mysql://u:@db/d', mysql],
    ['mysql://u:p:q@db/d', { ...mysql, password: 'p:q' }],
    ['mysql://u:a@b/c?d#e@db/d', { ...mysql, password: 'a@b/c?d#e' }],
    [
      'mysql://u%40h:%2F%3A%25%40%E4%B8%AD@db/d%20e',
      { ...mysql, user: 'u@h', password: '/:%@中', database: 'd e' },
    ],
    ['postgres://u@[::1]:1/d', { ...postgres, host: '::1', port: 1 }],
    ['postgres://u@127.0.0.1/d?', { ...postgres, host: '127.0.0.1' }],
    ['mysql://u@db/d?sslmode=disable', mysql],
    ['mysql://u@db/d?sslmode=require', { ...mysql, tls: { verify: 'require' } }],
    ['postgres://u@db/d?sslmode=verify-full&', { ...postgres, tls: { verify: 'verify-full' } }],
  ];
  for (const [url, address] of good) {
    it(`is understood: ${url}`, () => assert.deepEqual(parseServerUrl(url), address));
  }

  const bad: [string, RegExp][] = [
    ['mysql:u@db/d', /is not the URL of a database; write mysql:\/\/USER:PASSWORD@HOST:3306\/DATABASE/],
    ['postgres://u@d b/d', /neither a name nor an address/],
    ['postgres://db/d', /names no user; write postgres:\/\/USER/],
    ['mysql://:p@db/d', /names no user/],
    ['mysql://u@/d', /names no host/],
    ['mysql://u@db', /names no database/],
    ['mysql://u@db/', /names no database/],
    ['mysql://u@db/d/e', /database with a \/ in it/],
    ['mysql://u@db:0/d', /port that is not from 1 to 65535/],
    ['mysql://u@db:65536/d', /port that is not/],
    ['mysql://u@db:x/d', /port that is not .* write %3A for :/],
    ['mysql://u@[::g]/d', /not an IPv6 address/],
    ['mysql://u:50%@db/d', /has a password with a % .* %25/],
    [
      'mysql://u@db/d?ssl=true',
      /has the option "ssl"; the known options are sslmode, sslrootcert, sslcert, sslkey/,
    ],
    ['mysql://u@db/d?sslmode=require&sslmode=disable', /sslmode twice/],
    [
      'mysql://u@db/d?sslmode=prefer',
      /sslmode=prefer, with which an attacker in between can switch the encryption off/,
    ],
    ['postgres://u@db/d?sslmode=allow', /sslmode=allow/],
    ['mysql://u@db/d?sslmode=on', /sslmode="on"; it is one of disable, require, verify-ca, verify-full/],
    ['mysql://u@db/d?sslrootcert=/x', /has sslrootcert without encryption/],
    ['mysql://u@db/d?sslmode=require&sslrootcert=/x', /checks no certificate/],
    ['mysql://u@db/d?sslmode=require&sslcert=/x', /needs both/],
    [
      'mysql://u@db/d?sslmode=verify-ca&sslrootcert=/no/such',
      /sslrootcert=\/no\/such, which cannot be read \(ENOENT/,
    ],
  ];
  for (const [url, sentence] of bad) {
    it(`is refused: ${url}`, () => assert.throws(() => parseServerUrl(url), sentence));
  }

  it('has its files read, if they are PEM', (t) => {
    const folder = tempFolder(t);
    const [ca, cert, key, other] = ['ca', 'cert', 'key', 'other'].map((name) =>
      join(folder, `${name}.pem`),
    ) as [string, string, string, string];
    for (const path of [ca, cert, key]) writeFileSync(path, `-----BEGIN CERTIFICATE-----\n${path}\n`);
    writeFileSync(other, 'no PEM');
    const start = 'postgres://u@db/d?sslmode=verify-ca';
    const { tls } = parseServerUrl(
      `${start}&sslrootcert=${encodeURIComponent(ca)}&sslcert=${cert}&sslkey=${key}`,
    );
    assert.equal(tls?.verify, 'verify-ca');
    assert.match(tls.ca ?? '', /ca\.pem/);
    assert.match(tls.cert ?? '', /cert\.pem/);
    assert.match(tls.key ?? '', /key\.pem/);
    assert.throws(
      () => parseServerUrl(`${start}&sslrootcert=${other}`),
      /other\.pem, which is not a PEM file/,
    );
  });

  it('has a name without credentials', () => {
    assert.equal(nameOf(parseServerUrl('mariadb://u:p@db/d')), 'MySQL db:3306/d');
    assert.equal(nameOf(parseServerUrl('postgres://u:p@[::1]/d')), 'PostgreSQL [::1]:5432/d');
  });
});

describe('a URL that is printed', () => {
  const shown: [string, string][] = [
    ['mysql://u:p@db/d', 'mysql://***@db/d'],
    ['mysql://u:a@b://c@db:1/d?sslmode=on', 'mysql://***@db:1/d?sslmode=on'],
    ['mysql://u:a\nb@db/d', 'mysql://***@db/d'],
    ['mysql://u@db:secret/d', 'mysql://***@db:***'],
    ['mysql://u@[::1]:1/d?password=secret', 'mysql://***@[::1]:1/d?password=***'],
    ['mysql://u:secret', 'mysql://***'],
    ['mysql://db/d', 'mysql://db/d'],
    ['mysql:u:secret', 'mysql:***'],
    ['u:secret@db', '***@db'],
    ['"mysql://u:secret"', '***'],
    ['redis://x', 'redis://x'],
    ['sqlite:./a@b.db', 'sqlite:./a@b.db'],
  ];
  for (const [url, text] of shown) {
    it(`has no password: ${JSON.stringify(url)}`, () => assert.equal(withoutCredentials(url), text));
  }
});

describe('the settings of the database', () => {
  const read = (texts: Partial<Record<SettingName, string>>) =>
    readConfig(
      Object.fromEntries(
        SETTINGS.map(({ name, default: fallback }): [SettingName, GivenSetting] => [
          name,
          { text: texts[name] ?? fallback, source: name },
        ]),
      ) as Record<SettingName, GivenSetting>,
    );

  it('are a SQLite file and migration by default', () => {
    const { database, migrate } = read({});
    assert.equal(database.type, 'sqlite');
    assert.ok(database.isDefault);
    assert.equal(migrate, true);
    assert.equal(read({ migrate: 'off' }).migrate, false);
  });

  it('may be a server', () => {
    const { database } = read({ 'database-url': 'mysql://u:p@db/d' });
    assert.deepEqual(database, { ...mysql, password: 'p', name: 'MySQL db:3306/d' });
    assert.throws(
      () => read({ 'database-url': 'mysql://u:secret@db' }),
      (error: Error) =>
        error instanceof ConfigError &&
        error.message.startsWith('database-url="mysql://***@db" names no database; write mysql://USER'),
    );
  });
});
