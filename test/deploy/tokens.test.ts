import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { serverRoutes } from '../../src/http/api/server-routes.js';
import { parseTokens, type Token } from '../../src/http/access/token.js';
import { tempFolder } from '../support/temp.js';
import { startKubernetesApi } from './kubernetes-api.js';
import {
  CHART,
  container,
  containersOf,
  copyOfKubernetes,
  environment,
  helm,
  MODES,
  overlay,
  parseManifests,
  ROOT,
  secret,
  secretFile,
  skipWithoutTools,
  TOKEN,
  tool,
  toolPath,
  workload,
  workloads,
  type Manifest,
  type Mode,
} from './render.js';

const POD = {
  'status.podIP': '10.1.2.3',
  'metadata.name': 'nacos-0',
  'metadata.namespace': 'default',
};

/** Where the nodes have the token. */
const PATH = '/run/address-server/token';

/** What the address servers take. */
function tokensOf(all: readonly Manifest[]): Token[] {
  const server = workload(all, 'address-server');
  const place = container(server, 'address-server');
  const { AUTH_TOKEN_FILE: path, AUTH_TOKEN: text } = environment(all, place, POD);
  assert.equal(text, undefined);
  return parseTokens(secretFile(all, server, place, path ?? ''));
}

/** The token that a node of this mode sends, from wherever it has it; all its places must have the same. */
function sentBy(mode: Mode, all: readonly Manifest[]): string {
  const manifest = workload(all, 'nacos');
  const nacos = container(manifest, 'nacos');
  const env = environment(all, nacos, POD);
  const sent: string[] = [];
  if (mode === 'poll') sent.push(/&token=(.*)$/.exec(env.address_server_url ?? '')?.[1] ?? '');
  const agent = mode === 'agent' ? container(manifest, 'agent') : nacos;
  if (mode !== 'poll') {
    const { AGENT_TOKEN_FILE: path } = environment(all, agent, POD);
    sent.push(secretFile(all, manifest, agent, path ?? ''));
  }
  for (const script of scriptsOf(mode, all)) {
    assert.ok(script.includes(`<${PATH})`), script);
    sent.push(secretFile(all, manifest, nacos, PATH));
  }
  assert.equal(new Set(sent).size, 1);
  return sent[0]!;
}

/** What a Nacos container runs that asks the address server. */
function scriptsOf(mode: Mode, all: readonly Manifest[]): string[] {
  const { lifecycle, readinessProbe } = container(workload(all, 'nacos'), 'nacos');
  const scripts = [lifecycle?.preStop.exec.command[2], readinessProbe?.exec?.command[2]].filter(
    (script) => script?.includes('address-server:8080') === true,
  ) as string[];
  assert.equal(scripts.length, { poll: 2, agent: 1, statefulset: 0 }[mode]);
  return scripts;
}

describe('the token of the manifests', { skip: skipWithoutTools }, () => {
  for (const mode of MODES) {
    for (const [by, render] of [
      ['kustomize', () => overlay(mode)],
      ['Helm', () => helm(mode)],
    ] as const) {
      describe(`by ${by}, in the mode ${mode}`, () => {
        it('is the one that the nodes send and the address servers take, for that list alone', () => {
          const all = render();
          assert.equal(sentBy(mode, all), TOKEN);
          assert.deepEqual(tokensOf(all), [{ text: TOKEN, cluster: 'nacos/serverlist' }]);
        });

        it('stands in its Secret and nowhere else', () => {
          const all = render();
          const literal = new RegExp(`${TOKEN}|${Buffer.from(TOKEN).toString('base64').slice(0, 16)}`);
          const there = all.filter((manifest) => literal.test(JSON.stringify(manifest)));
          assert.deepEqual(
            there.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
            ['Secret address-server-token'],
          );
        });

        it('is read by nobody else on the machine, and each has only what it needs', () => {
          const all = render();
          for (const manifest of workloads(all)) {
            const volumes = (manifest.spec.template.spec.volumes ?? []).filter((one) => one.secret);
            const key = manifest.metadata.name === 'nacos' ? 'token' : 'tokens';
            assert.deepEqual(
              volumes.map(({ secret: of }) => [of?.secretName, of?.defaultMode, of?.items]),
              [['address-server-token', 0o440, [{ key, path: key }]]],
            );
          }
        });
      });
    }
  }

  it('is in the environment of a node that polls, and of no other', () => {
    for (const mode of MODES) {
      const names = workloads(overlay(mode)).flatMap((manifest) =>
        containersOf(manifest).flatMap(({ env = [] }) => env.map(({ name }) => name)),
      );
      assert.equal(names.includes('ADDRESS_SERVER_TOKEN'), mode === 'poll', mode);
    }
  });

  it('is asked for by none of the address servers’ probes', () => {
    const { livenessProbe, readinessProbe } = container(
      workload(overlay('poll'), 'address-server'),
      'address-server',
    );
    for (const probe of [livenessProbe, readinessProbe]) {
      const route = serverRoutes.find(({ path }) => path === probe?.httpGet?.path);
      assert.equal(route?.access, 'none', probe?.httpGet?.path);
    }
  });

  describe('by kustomize', () => {
    const build = (copy: string) => tool('kubectl', ['kustomize', join(copy, 'overlays/poll')]);

    it('must be made first: nothing is built without it', (t) => {
      const { status, output, errors } = build(copyOfKubernetes(tempFolder(t)));
      assert.notEqual(status, 0);
      assert.equal(output, '');
      assert.match(errors, /base\/token\.env.*no such file/);
    });

    /** The lines of a text that make the file. */
    const commandsOf = (text: string): string[] =>
      text.split('\n').filter((line) => /^(token=|printf 'token=)/.test(line));

    for (const [file, folder] of [
      ['deploy/README.md', '.'],
      ['deploy/README.zh-CN.md', '.'],
      ['deploy/kubernetes/base/kustomization.yaml', 'deploy/kubernetes/base'],
    ] as const) {
      it(`is made by the commands of ${file}, another one each time`, (t) => {
        const commands = commandsOf(readFileSync(ROOT + file, 'utf8').replaceAll(/^ {2}# {3}/gm, ''));
        assert.equal(commands.length, 2);
        const made = [1, 2].map(() => {
          const home = tempFolder(t);
          const copy = copyOfKubernetes(home);
          const { status, stderr } = spawnSync('bash', ['-ec', commands.join('\n')], {
            cwd: join(home, folder),
            encoding: 'utf8',
          });
          assert.equal(status, 0, stderr);
          const { output, errors } = build(copy);
          const all = parseManifests(output);
          assert.deepEqual(
            tokensOf(all),
            [{ text: sentBy('poll', all), cluster: 'nacos/serverlist' }],
            errors,
          );
          return sentBy('poll', all);
        });
        assert.equal(new Set(made).size, 2);
      });
    }

    it('comes to nothing where openssl is missing: the server does not start', (t) => {
      const home = tempFolder(t);
      const copy = copyOfKubernetes(home);
      writeFileSync(join(copy, 'base/token.env'), 'token=\ntokens=nacos/serverlist:\n');
      const all = parseManifests(build(copy).output);
      assert.throws(() => tokensOf(all), /character that no token may have/);
    });

    it('keeps its Secret’s name when it changes, so that the servers read it anew and no pod restarts', (t) => {
      const copy = copyOfKubernetes(tempFolder(t));
      const rendered = ['one', 'two'].map((name) => {
        const token = `${name}-${TOKEN}`;
        writeFileSync(join(copy, 'base/token.env'), `token=${token}\ntokens=nacos/serverlist:${token}\n`);
        return workloads(parseManifests(build(copy).output));
      });
      assert.deepEqual(rendered[0], rendered[1]);
    });
  });

  describe('by Helm', () => {
    const GENERATED = 'nacos.replicas=3';

    it('is made where none is given, another one for each', () => {
      const made = [1, 2].map(() => {
        const all = helm('poll', GENERATED);
        const token = sentBy('poll', all);
        assert.match(token, /^[A-Za-z0-9]{48}$/);
        assert.deepEqual(tokensOf(all), [{ text: token, cluster: 'nacos/serverlist' }]);
        return token;
      });
      assert.equal(new Set(made).size, 2);
    });

    /** Renders as an upgrade does, with what is in the cluster. */
    const upgrade = async (
      t: TestContext,
      there: readonly Manifest[],
      values: string,
    ): Promise<Manifest[]> => {
      const url = await startKubernetesApi(t, there);
      const args = ['template', 'nacos', CHART, '--set', values, '--dry-run=server'];
      const kubernetes = ['--kube-apiserver', url, '--disable-openapi-validation'];
      const env = { PATH: process.env.PATH, HOME: tempFolder(t), NO_PROXY: '*' };
      const { stdout } = await promisify(execFile)(toolPath('helm'), [...args, ...kubernetes], { env });
      return parseManifests(stdout);
    };

    const tokenSecret = (data: Record<string, string>): Manifest =>
      ({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: {
          name: 'address-server-token',
          namespace: 'default',
          // Without these Helm refuses to take it for its own.
          labels: { 'app.kubernetes.io/managed-by': 'Helm' },
          annotations: {
            'meta.helm.sh/release-name': 'nacos',
            'meta.helm.sh/release-namespace': 'default',
          },
        },
        data: Object.fromEntries(
          Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
        ),
      }) as unknown as Manifest;

    it('is made in a cluster that has none', async (t) => {
      assert.match(sentBy('poll', await upgrade(t, [], GENERATED)), /^[A-Za-z0-9]{48}$/);
    });

    it('stays over an upgrade, with what else the servers take while it is rotated', async (t) => {
      for (const tokens of [
        `nacos/serverlist:${TOKEN}`,
        `nacos/serverlist:${TOKEN},nacos/serverlist:old-${TOKEN}`,
      ]) {
        const all = await upgrade(t, [tokenSecret({ token: TOKEN, tokens })], GENERATED);
        assert.equal(sentBy('poll', all), TOKEN);
        assert.deepEqual(tokensOf(all), parseTokens(tokens));
      }
    });

    it('is the given one where one is given', async (t) => {
      const there = tokenSecret({ token: `old-${TOKEN}`, tokens: `nacos/serverlist:old-${TOKEN}` });
      const all = await upgrade(t, [there], `tokens.token=${TOKEN}`);
      assert.equal(sentBy('poll', all), TOKEN);
      assert.deepEqual(tokensOf(all), [{ text: TOKEN, cluster: 'nacos/serverlist' }]);
    });

    it('is in a Secret of one’s own where that is named', () => {
      for (const mode of MODES) {
        const own = tokenSecret({ token: TOKEN, tokens: `nacos/serverlist:${TOKEN}` });
        Object.assign(own.metadata, { name: 'mine' });
        const all = helm(mode, 'tokens.existingSecret=mine');
        assert.ok(!all.some(({ metadata }) => metadata.name === 'address-server-token'));
        assert.equal(sentBy(mode, [...all, own]), TOKEN);
        assert.deepEqual(tokensOf([...all, own]), [{ text: TOKEN, cluster: 'nacos/serverlist' }]);
      }
    });

    it('is nowhere where it is switched off', () => {
      for (const mode of MODES) {
        const all = helm(mode, 'tokens.enabled=false');
        const text = JSON.stringify(all.filter(({ kind }) => kind !== 'Secret'));
        assert.doesNotMatch(text, /_TOKEN|&token=|Authorization|\/run\/address-server/);
        assert.ok(!all.some(({ metadata }) => metadata.name === 'address-server-token'));
      }
    });

    it('is told by the chart’s notes', async (t) => {
      const url = await startKubernetesApi(t, []);
      const args = ['install', 'nacos', CHART, '--dry-run=server', '--kube-apiserver', url];
      const env = { PATH: process.env.PATH, HOME: tempFolder(t), NO_PROXY: '*' };
      const { stdout } = await promisify(execFile)(
        toolPath('helm'),
        [...args, '--disable-openapi-validation'],
        { env },
      );
      const command = /^ {2}export ADDRESS_SERVER_TOKEN=\$\((.*)\)$/m.exec(stdout)?.[1] ?? stdout;
      const [, name = '', key = ''] = /get secret (\S+) -o 'jsonpath=\{\.data\.(\w+)\}'/.exec(command) ?? [];
      assert.equal(secret(helm('none'), name)[key], TOKEN);
    });
  });
});

describe('what is made on the spot', () => {
  it('is neither committed nor packed', (t) => {
    const home = tempFolder(t);
    mkdirSync(join(home, 'deploy/kubernetes/base'), { recursive: true });
    for (const file of ['package.json', '.gitignore', 'deploy/.gitignore']) {
      writeFileSync(join(home, file), readFileSync(ROOT + file));
    }
    const secrets = ['deploy/.env', 'deploy/kubernetes/base/token.env'];
    for (const file of [...secrets, 'deploy/other.env']) writeFileSync(join(home, file), 'token=x\n');
    const run = (command: string, args: readonly string[]): string => {
      const { status, stdout, stderr } = spawnSync(command, args, { cwd: home, encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      return stdout;
    };
    run('git', ['init', '--quiet']);
    const added = run('git', ['ls-files', '--others', '--exclude-standard', 'deploy']).trim().split('\n');
    const packed = run('npm', ['pack', '--dry-run', '--ignore-scripts', '--json']);
    for (const files of [
      added,
      (JSON.parse(packed) as [{ files: { path: string }[] }])[0].files.map(({ path }) => path),
    ]) {
      assert.ok(files.includes('deploy/other.env'), files.join());
      assert.deepEqual(
        files.filter((file) => secrets.includes(file)),
        [],
      );
    }
  });
});
