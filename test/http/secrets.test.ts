import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import { ConfigError, readConfig, readDatabase, type Config } from '../../src/config/config.js';
import { Examiner } from '../../src/doctor/examiner.js';
import { parseIdentities } from '../../src/doctor/identity.js';
import { parseTokens } from '../../src/http/access/token.js';
import { TcpProbe } from '../../src/probe/tcp.js';
import { SETTINGS, type GivenSetting, type SettingName } from '../../src/config/settings.js';
import { startServer } from '../support/server.js';

/** As the command reads it: everything that is not given is the default. */
function config(given: Partial<Record<string, string>>): Config {
  const all = SETTINGS.map(({ name, default: fallback }): [SettingName, GivenSetting] => {
    const variable = name.toUpperCase().replaceAll('-', '_');
    const text = given[variable];
    return [name, { text: text ?? fallback, source: variable, isGiven: text !== undefined }];
  });
  return readConfig(Object.fromEntries(all) as Record<SettingName, GivenSetting>);
}

const refused = (given: Partial<Record<string, string>>, sentence: RegExp): void => {
  assert.throws(
    () => config(given),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, sentence);
      return true;
    },
    JSON.stringify(given),
  );
};

const GOOD = '0123456789abcdef0123';
const PLACEHOLDER = 'change-me-change-me-change-me';

describe('a secret that is none', () => {
  for (const name of ['AUTH_TOKEN', 'READ_TOKEN']) {
    it(`is refused as ${name}`, () => {
      for (const text of ['', ' ', ',', ' ,\n, ', '\t'])
        refused({ [name]: text }, new RegExp(`${name} .*holds no token`));
      for (const text of [
        PLACEHOLDER,
        `${GOOD},${PLACEHOLDER}`,
        `nacos/serverlist:${PLACEHOLDER}`,
        'CHANGE_ME_CHANGE_ME_X',
        'changeme0123456789',
      ])
        refused({ [name]: text }, new RegExp(`${name} .*placeholder.*openssl rand`));
      assert.equal(
        config({ [name]: GOOD }).access[name === 'AUTH_TOKEN' ? 'changeTokens' : 'readTokens'].tokens.length,
        1,
      );
    });

    it(`is refused as ${name}_FILE without a name`, () => {
      for (const text of ['', ' '])
        refused({ [`${name}_FILE`]: text }, new RegExp(`${name}_FILE .*names no file`));
    });
  }

  it('is refused as a list of networks that names nobody', () => {
    for (const name of ['ALLOWED_MEMBERS', 'TRUSTED_PROXIES']) {
      for (const text of [',', ' ', ' , ']) refused({ [name]: text }, new RegExp(`${name}=.*has no entry`));
      config({ [name]: '' });
    }
  });

  it('is refused as an identity, and as a database’s password', () => {
    const guarded = { AUTH_TOKEN: GOOD };
    for (const text of ['change-me:change-me', 'key:change-me', 'nacos/a=k:v,nacos/b=k:change-me'])
      refused({ ...guarded, NACOS_IDENTITY: text }, /NACOS_IDENTITY .*placeholder/);
    for (const url of ['mysql://address_server:change-me@db/x', 'postgres://u:change-me@db/x']) {
      refused({ DATABASE_URL: url }, /DATABASE_URL=.*placeholder/);
      assert.throws(() => readDatabase({ text: url, source: 'DATABASE_URL' }), /placeholder/);
    }
  });
});

describe('an identity', () => {
  it('is for one cluster: nacos/serverlist, unless it says another', () => {
    const identities = parseIdentities('key:va,lue');
    assert.deepEqual([...identities], [['nacos/serverlist', { key: 'key', value: 'va,lue' }]]);
    assert.deepEqual(
      [...parseIdentities('nacos/a=k:v, team/b=x:y=z,1')],
      [
        ['nacos/a', { key: 'k', value: 'v' }],
        ['team/b', { key: 'x', value: 'y=z,1' }],
      ],
    );
    assert.equal(parseIdentities('').size, 0);
  });

  for (const [text, sentence] of [
    ['no key', /is neither KEY:VALUE/],
    [',', /is neither KEY:VALUE/],
    ['nacos/a/b=k:v', /is neither KEY:VALUE/],
    ['nacos/a=k:v,nacos/a=k:w', /nacos\/a twice/],
  ] as const) {
    it(`is not ${text}`, () => refused({ NACOS_IDENTITY: text, AUTH_TOKEN: GOOD }, sentence));
  }

  it('needs a guard that guards', () => {
    const open = /NACOS_IDENTITY would be sent to every node that registers/;
    refused({ NACOS_IDENTITY: 'k:v' }, open);
    refused({ NACOS_IDENTITY: 'k:v', ALLOWED_MEMBERS: ',' }, /ALLOWED_MEMBERS=/);
    refused({ NACOS_IDENTITY: 'k:v', AUTH_TOKEN: GOOD, AUTH_MODE: 'warn' }, open);
    config({ NACOS_IDENTITY: 'k:v', ALLOWED_MEMBERS: '10.0.0.0/8' });
    config({ NACOS_IDENTITY: 'k:v', AUTH_TOKEN: GOOD });
  });

  it('is sent to the members of its cluster, and not to who registers elsewhere', async (t) => {
    const heard: [string, string | undefined][] = [];
    const node = async (name: string): Promise<string> => {
      const server = createServer((request, response) => {
        heard.push([name, request.headers['x-identity'] as string | undefined]);
        response.writeHead(403).end();
      }).listen(0, '127.0.0.1');
      t.after(() => server.close().closeAllConnections());
      await once(server, 'listening');
      return `127.0.0.1:${(server.address() as AddressInfo).port}`;
    };
    const [own, other] = [await node('own'), await node('other')];
    const scoped = 'other-token-0123456789';
    const tokens = parseTokens(`${GOOD},nacos/other:${scoped}`);
    const server = await startServer(t, { access: { changeTokens: { tokens, file: undefined } } });
    const beat = (cluster: string, self: string, token: string): Promise<Response> =>
      fetch(`${server.url}/nacos/${cluster}?self=${self}&token=${token}`, { method: 'POST' });
    assert.equal((await beat('serverlist', own, GOOD)).status, 200);
    assert.equal((await beat('other', other, scoped)).status, 200);
    const log = pino({ level: 'silent' });
    const identities = parseIdentities('x-identity:secret');
    const { service } = server;
    const examiner = new Examiner({
      service,
      probe: new TcpProbe(),
      log,
      nacos: { timeout: 5_000 },
      identities,
      raftOffset: 1_000,
      isOn: true,
    });
    for (const entry of service.entries) {
      await examiner.examine(entry);
      await examiner.plan(entry);
    }
    const sent = new Map(heard);
    assert.deepEqual([sent.get('own'), sent.get('other')], ['secret', undefined]);
    assert.ok(heard.every(([name, identity]) => (name === 'own') === (identity === 'secret')));
  });
});
