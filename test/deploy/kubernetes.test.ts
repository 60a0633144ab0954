import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { ROUTES } from '../../src/http/api/routes.js';
import { serverRoutes } from '../../src/http/api/server-routes.js';
import { readConfig, type Config } from '../../src/config/config.js';
import { SETTINGS, type GivenSetting, type SettingName } from '../../src/config/settings.js';
import { AGENT_PATHS, AGENT_VARIABLES } from './agent-variables.js';
import {
  CHART,
  container,
  containersOf,
  environment,
  helm,
  MODES,
  one,
  overlay,
  ROOT,
  secret,
  skipWithoutTools,
  TOKEN,
  tool,
  workload,
  workloads,
  type Labels,
  type Manifest,
  type Pod,
} from './render.js';
import { assertValid, unknownFields } from './schemas.js';

const VERSION = (JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { version: string }).version;

/** The variables of the address server. */
const SERVER_VARIABLES = new Set(SETTINGS.map(({ name }) => name.toUpperCase().replaceAll('-', '_')));

const NACOS_PATHS = new Set(['/nacos/v1/console/health/liveness', '/nacos/v1/console/health/readiness']);

const POD = {
  'status.podIP': '10.1.2.3',
  'metadata.name': 'nacos-7d9-abcde',
  'metadata.namespace': 'default',
};

const podOf = (manifest: Manifest): Pod => manifest.spec.template.spec;
const labelsOf = (manifest: Manifest): Labels => manifest.spec.template.metadata.labels;
const selects = (selector: Labels, labels: Labels): boolean =>
  Object.entries(selector).every(([name, value]) => labels[name] === value);

describe('what is applied to Kubernetes', { skip: skipWithoutTools }, () => {
  const rendered = new Map<string, Manifest[]>();

  before(() => {
    for (const mode of MODES) {
      rendered.set(`kustomize-${mode}`, overlay(mode));
      rendered.set(`helm-${mode}`, helm(mode));
      rendered.set(`helm-${mode}-open`, helm(mode, 'tokens.enabled=false'));
    }
    rendered.set('helm-none', helm('none'));
  });

  /** Each workload of each rendering. */
  const each = (look: (manifest: Manifest, where: string, all: Manifest[]) => void): void => {
    for (const [name, all] of rendered) {
      assert.ok(workloads(all).length > 0, name);
      for (const manifest of workloads(all)) look(manifest, `${name} ${manifest.metadata.name}`, all);
    }
  };

  it('is valid by the schemas that Kubernetes publishes', async () => {
    for (const [name, all] of rendered) {
      assert.ok(all.length >= 4, name);
      for (const manifest of all) await assertValid(manifest);
    }
  });

  it('has no field that Kubernetes does not know', () => {
    assert.deepEqual(unknownFields(rendered), []);
  });

  it('is checked by something that finds slips', async () => {
    const slip = (edit: (copy: Manifest) => unknown): Manifest => {
      const copy = structuredClone(workload(overlay('agent'), 'nacos'));
      edit(copy);
      return copy;
    };
    const sidecar = (copy: Manifest) => podOf(copy).initContainers![1]!;
    for (const [edit, problem] of [
      [(copy: Manifest) => Object.assign(copy.spec, { replicas: '3' }), /replicas must be integer/],
      [(copy: Manifest) => delete copy.spec.selector, /required property selector/],
      [(copy: Manifest) => (copy.spec.strategy!.type = 'Rolling'), /type must be equal to one of/],
      [
        (copy: Manifest) => Object.assign(sidecar(copy), { restartPolicy: 1 }),
        /restartPolicy must be string/,
      ],
    ] as const) {
      await assert.rejects(assertValid(slip(edit)), problem);
    }
    const misspelt = slip((copy) => Object.assign(sidecar(copy), { startupProb: {} }));
    assert.match(unknownFields(new Map([['slip', [misspelt]]])).join('\n'), /slip\.ts: .*startupProb/);
  });

  it('refers to variables only after they are set', () => {
    each((manifest, where) => {
      for (const { name, env = [] } of containersOf(manifest)) {
        const known = new Set<string>();
        for (const entry of env) {
          for (const [, other] of (entry.value ?? '').matchAll(/\$\((\w+)\)/g)) {
            assert.ok(
              known.has(other!),
              `${where} ${name}: ${entry.name} refers to ${other!}, set later or never`,
            );
          }
          assert.ok(!known.has(entry.name), `${where} ${name}: ${entry.name} is set twice`);
          known.add(entry.name);
        }
      }
    });
  });

  it('sets only what the address server and the agent know', () => {
    each((manifest, where) => {
      for (const { name, env = [] } of containersOf(manifest)) {
        for (const entry of env) {
          if (name === 'address-server')
            assert.ok(SERVER_VARIABLES.has(entry.name), `${where}: ${entry.name}`);
          if (!entry.name.startsWith('AGENT_')) continue;
          assert.ok(AGENT_VARIABLES.has(entry.name), `${where}: ${entry.name}`);
        }
      }
    });
  });

  it('sets for the address server what it takes, on the port that its Service asks', () => {
    each((manifest, where, all) => {
      if (manifest.metadata.name !== 'address-server') return;
      const server = container(manifest, 'address-server');
      const env = environment(all, server, POD);
      const read = (fillIn: (text: string) => string): Config => {
        const given = SETTINGS.map(({ name, default: text }): [SettingName, GivenSetting] => {
          const source = name.toUpperCase().replaceAll('-', '_');
          return [name, { text: fillIn(env[source] ?? text), source }];
        });
        return readConfig(Object.fromEntries(given) as Record<SettingName, GivenSetting>);
      };
      assert.throws(() => read((text) => text), /placeholder/, `${where} must be filled in`);
      const { port } = read((text) => text.replaceAll('change-me', 'filled-in'));
      assert.deepEqual(server.ports, [{ name: 'http', containerPort: port }], where);
    });
  });

  it('asks for paths that there are, at ports that there are', () => {
    const ours = new Set<string>(serverRoutes.map(({ path }) => path));
    const known = new Map<string, ReadonlySet<string>>([
      ['address-server', ours],
      ['agent', AGENT_PATHS],
      ['nacos', NACOS_PATHS],
    ]);
    each((manifest, where) => {
      for (const { name, ports = [], ...probes } of containersOf(manifest)) {
        for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe'] as const) {
          const asked = probes[probe]?.httpGet;
          if (asked === undefined) continue;
          const there = ports.map((port) => port.name);
          assert.ok(there.includes(asked.port), `${where} ${name} ${probe}: port ${asked.port}`);
          assert.ok(known.get(name)?.has(asked.path), `${where} ${name} ${probe}: ${asked.path}`);
        }
      }
    });
  });

  it('restarts no address server because its database is away', () => {
    each((manifest, where) => {
      if (manifest.metadata.name !== 'address-server') return;
      const server = container(manifest, 'address-server');
      assert.equal(server.livenessProbe?.httpGet?.path, '/healthz', where);
      assert.equal(server.readinessProbe?.httpGet?.path, '/readyz', where);
    });
  });

  it('asks the address server for its members where it tells of them', () => {
    const path = '/api/v1/clusters/{product}/{cluster}/members/{address}';
    assert.ok(
      ROUTES.some((route) => route.method === 'get' && route.path === path),
      path,
    );
    const script =
      container(workload(overlay('poll'), 'nacos'), 'nacos').readinessProbe?.exec?.command[2] ?? '';
    const asked = /address-server:8080(\/api\/[^"?]*)\?settled=true"/.exec(script)?.[1] ?? '';
    const template = path.replace('{product}', 'nacos').replace('{cluster}', 'serverlist');
    assert.equal(asked.replace('$POD_IP:8848', '{address}'), template);
  });

  it('has Services and disruption budgets that find their pods, and their ports', () => {
    for (const [name, all] of rendered) {
      const pods = workloads(all);
      for (const service of all.filter(({ kind }) => kind === 'Service')) {
        const where = `${name} Service ${service.metadata.name}`;
        const behind = pods.filter((pod) => selects(service.spec.selector!, labelsOf(pod)));
        assert.equal(behind.length, 1, where);
        const ports = containersOf(behind[0]!).flatMap(({ ports = [] }) => ports);
        for (const { port, targetPort } of service.spec.ports) {
          const there = ports.some((p) =>
            targetPort === undefined ? p.containerPort === port : p.name === targetPort,
          );
          assert.ok(there, `${where}: ${port}`);
        }
      }
      const budgets = all.filter(({ kind }) => kind === 'PodDisruptionBudget');
      for (const pod of pods) {
        const of = budgets.filter(({ spec }) => selects(spec.selector!.matchLabels, labelsOf(pod)));
        assert.equal(of.length, 1, `${name} ${pod.metadata.name}`);
        assert.equal(of[0]!.spec.maxUnavailable, 1);
        assert.ok(selects(pod.spec.selector!.matchLabels, labelsOf(pod)), `${name} ${pod.metadata.name}`);
        // Whoever spreads pods by labels that they have not does not spread them.
        for (const { labelSelector } of podOf(pod).topologySpreadConstraints) {
          assert.ok(selects(labelSelector.matchLabels, labelsOf(pod)), `${name} ${pod.metadata.name}`);
        }
      }
    }
  });

  it('has every Secret and every volume that it refers to', () => {
    each((manifest, where, all) => {
      const pod = podOf(manifest);
      const volumes = new Set<string>([
        ...(pod.volumes ?? []).map(({ name }) => name),
        ...(manifest.spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name),
      ]);
      for (const { secret: source } of pod.volumes ?? []) if (source) secret(all, source.secretName);
      for (const each of containersOf(manifest)) {
        environment(all, each, POD);
        for (const { name } of each.volumeMounts ?? [])
          assert.ok(volumes.has(name), `${where} ${each.name}: ${name}`);
      }
    });
  });

  it('runs what is ours as nobody in particular, and all within limits', () => {
    each((manifest, where) => {
      const pod = podOf(manifest);
      assert.equal(pod.automountServiceAccountToken, false, where);
      assert.equal(pod.securityContext.seccompProfile?.type, 'RuntimeDefault', where);
      for (const { name, image, resources, securityContext } of containersOf(manifest)) {
        assert.ok(
          resources.requests.cpu && resources.requests.memory && resources.limits.memory,
          `${where} ${name}`,
        );
        if (!image.startsWith('nacos-address-server:')) continue;
        assert.equal(
          securityContext?.runAsNonRoot ?? pod.securityContext.runAsNonRoot,
          true,
          `${where} ${name}`,
        );
        assert.equal(securityContext?.readOnlyRootFilesystem, true, `${where} ${name}`);
        assert.equal(securityContext?.allowPrivilegeEscalation, false, `${where} ${name}`);
        assert.deepEqual(securityContext?.capabilities, { drop: ['ALL'] }, `${where} ${name}`);
      }
    });
  });

  it('is of this version', () => {
    each((manifest, where) => {
      for (const { image } of containersOf(manifest)) {
        assert.match(image, /^(nacos-address-server:\d+\.\d+\.\d+|nacos\/nacos-server:v2\.5\.1)$/, where);
        if (image.startsWith('nacos-address')) assert.equal(image, `nacos-address-server:${VERSION}`, where);
      }
    });
  });

  it('replaces one node at a time, and only after the new one is ready', () => {
    each((manifest, where) => {
      if (manifest.metadata.name !== 'nacos') return;
      assert.ok((manifest.spec.minReadySeconds ?? 0) >= 10, where);
      if (manifest.kind === 'StatefulSet') return;
      assert.deepEqual(
        manifest.spec.strategy,
        { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
        where,
      );
      // Three times 20 s and 2 s, and Nacos's own 10 s.
      assert.ok(podOf(manifest).terminationGracePeriodSeconds >= 76, where);
    });
  });

  describe('in the mode poll', () => {
    it('gives Nacos the URL that registers it', () => {
      const all = overlay('poll');
      const env = environment(all, container(workload(all, 'nacos'), 'nacos'), POD);
      assert.equal(env.NACOS_CORE_MEMBER_LOOKUP_TYPE, 'address-server');
      assert.equal(env.NACOS_SERVER_IP, '10.1.2.3');
      assert.equal(
        env.address_server_url,
        `/nacos/serverlist?self=10.1.2.3:8848&expect=3&id=nacos-7d9-abcde&token=${TOKEN}`,
      );
      const service = one(all, 'Service', env.address_server_domain ?? '');
      assert.equal(String(service.spec.ports[0]?.port), env.address_server_port);
    });
  });

  describe('in the mode agent', () => {
    it('starts the agent after the folder is filled and before Nacos, for as long as Nacos runs', () => {
      for (const name of ['kustomize-agent', 'helm-agent', 'helm-agent-open']) {
        const manifest = workload(rendered.get(name)!, 'nacos');
        const init = podOf(manifest).initContainers ?? [];
        assert.deepEqual(
          init.map(({ name, restartPolicy }) => [name, restartPolicy]),
          [
            ['nacos-conf', undefined],
            ['agent', 'Always'],
          ],
        );
        const { startupProbe, readinessProbe } = init[1]!;
        assert.equal(startupProbe?.httpGet?.path, '/readyz');
        assert.equal(readinessProbe?.httpGet?.path, '/settled');
        // A wait at the gate of a quarter of an hour, as long as Nacos's own start may take.
        assert.ok(startupProbe.periodSeconds * startupProbe.failureThreshold >= 600);
      }
    });

    it('shares the folder of the file that the agent writes and Nacos reads', () => {
      const all = overlay('agent');
      const manifest = workload(all, 'nacos');
      const env = environment(all, container(manifest, 'agent'), POD);
      for (const name of ['agent', 'nacos']) {
        const mount = container(manifest, name).volumeMounts?.find((m) => m.name === 'conf');
        assert.equal(`${mount?.mountPath}/cluster.conf`, env.AGENT_CLUSTER_CONF);
      }
      assert.equal(env.AGENT_SELF, '10.1.2.3:8848');
      const nacos = environment(all, container(manifest, 'nacos'), POD);
      assert.equal(nacos.NACOS_CORE_MEMBER_LOOKUP_TYPE, 'file');
      // The image's start script would empty the file just before Nacos reads it.
      assert.equal(nacos.CLUSTER_CONF, '/dev/null');
      assert.equal(
        Number(env.AGENT_LISTEN!.split(':')[1]),
        container(manifest, 'agent').ports?.[0]?.containerPort,
      );
    });
  });

  describe('in the mode statefulset', () => {
    it('lists a pod under the name that Nacos has for itself', () => {
      const all = overlay('statefulset');
      const manifest = workload(all, 'nacos');
      const env = environment(all, container(manifest, 'nacos'), { ...POD, 'metadata.name': 'nacos-0' });
      assert.equal(env.AGENT_SELF, 'nacos-0.nacos-headless.default.svc.cluster.local:8848');
      assert.equal(env.AGENT_EXPECT, '3');
      assert.equal(one(all, 'Service', manifest.spec.serviceName ?? '').spec.clusterIP, 'None');
      // Three that wait for each other must be started together.
      assert.equal(manifest.spec.podManagementPolicy, 'Parallel');
    });

    it('puts the plugin where the image looks for it, from a file that there is', () => {
      const manifest = workload(overlay('statefulset'), 'nacos');
      const mount = container(manifest, 'nacos').volumeMounts?.find((m) => m.name === 'peer-finder');
      assert.equal(mount?.mountPath, '/home/nacos/plugins/peer-finder');
      const install = container(manifest, 'peer-finder-plugin-install');
      const [command, target] = install.command as [string, string];
      assert.ok(readFileSync(`${ROOT}${command.replace('/app/', '')}`, 'utf8').startsWith('#!'));
      assert.equal(install.volumeMounts?.[0]?.mountPath, target);
    });
  });

  describe('by Helm', () => {
    /** What only one of the two says. */
    const OF_ONE =
      /^(imagePullPolicy|annotations|helm\.sh\/chart|app\.kubernetes\.io\/(managed-by|instance|version)|nacos-address-server\/mode)$/;

    /** Without that, without the hash in a Secret's name, with its text, and all in one order. */
    const inSubstance = (all: readonly Manifest[]): unknown => {
      const plain = all.map((manifest) => {
        const { data: _data, stringData: _stringData, ...rest } = manifest;
        if (manifest.kind !== 'Secret') return rest;
        return { ...rest, type: 'Opaque', text: secret([manifest], manifest.metadata.name) };
      });
      const without = JSON.stringify(plain, (key, value: unknown) => (OF_ONE.test(key) ? undefined : value));
      const named = without.replace(/"(nacos|address-server)-[0-9a-z]{10}"/g, '"$1"');
      return new Map(
        (JSON.parse(named) as Manifest[])
          .map((manifest): [string, unknown] => [
            `${manifest.kind} ${manifest.metadata.name}`,
            sorted({ ...manifest, metadata: { labels: {}, ...manifest.metadata } }),
          ])
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      );
    };

    /** Fields by name, and what has names, such as variables and volumes; containers keep their order. */
    const sorted = (value: unknown): unknown => {
      if (Array.isArray(value)) {
        const items: unknown[] = value.map(sorted);
        const isNamed = (item: unknown): item is { name: string } =>
          typeof item === 'object' && item !== null && 'name' in item && !('image' in item);
        return items.every(isNamed) ? items.sort((a, b) => (a.name < b.name ? -1 : 1)) : items;
      }
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, inner]) => [key, sorted(inner)]),
      );
    };

    for (const mode of MODES) {
      it(`the mode ${mode} is the overlay ${mode}`, () => {
        assert.deepEqual(inSubstance(helm(mode)), inSubstance(overlay(mode)));
      });
    }

    it('the mode none is the address servers alone', () => {
      const base = overlay('poll').filter(({ metadata }) => metadata.name.startsWith('address-server'));
      assert.deepEqual(inSubstance(helm('none')), inSubstance(base));
    });

    it('finds nothing wrong with its chart', () => {
      const { status, output } = tool('helm', ['lint', '--strict', CHART]);
      assert.equal(status, 0, output);
      const { version, appVersion } = chart();
      assert.deepEqual([version, appVersion], [VERSION, VERSION]);
    });

    const chart = (): { version: string; appVersion: string } => {
      const text = readFileSync(`${CHART}/Chart.yaml`, 'utf8');
      const read = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1] ?? '';
      return { version: read('version'), appVersion: read('appVersion') };
    };

    it('takes other names, numbers and Secrets', () => {
      const values = 'addressServer.name=lists,nacos.replicas=5,nacos.expect=3,nacos.existingSecret=mine';
      const { status, output, errors } = tool('helm', ['template', 'r', CHART, '--set', values]);
      assert.equal(status, 0, errors);
      assert.match(output, /replicas: 5/);
      assert.match(output, /expect=3&id=/);
      assert.match(output, /"http:\/\/lists:8080\/nacos\/serverlist\?self=/);
      assert.match(output, /secretRef: \{ name: mine \}/);
      assert.doesNotMatch(output, /address-server:8080|NACOS_AUTH_TOKEN/);
    });

    it('refuses the mode agent where there are no native sidecars', () => {
      const args = ['template', 'r', CHART, '--set', 'mode=agent', '--kube-version'];
      const { status, errors } = tool('helm', [...args, 'v1.28.9']);
      assert.notEqual(status, 0);
      assert.match(
        errors,
        /mode agent needs Kubernetes 1\.29 or later, for native sidecars; this is v1\.28\.9/,
      );
      assert.equal(tool('helm', [...args, 'v1.29.0']).status, 0);
    });

    for (const [values, problem] of [
      ['mode=polling', /mode': value must be one of/],
      ['addresServer.replicas=2', /additional properties 'addresServer' not allowed/],
      ['tokens.token=short', /token': .*does not match pattern/],
      ['addressServer.databaseUrl=sqlite:/data/registry.db', /databaseUrl': .*does not match pattern/],
    ] as const) {
      it(`refuses ${values}`, () => {
        const { status, errors } = tool('helm', ['template', 'r', CHART, '--set', values]);
        assert.notEqual(status, 0);
        assert.match(errors, problem);
      });
    }
  });

  it('has no folder that no test renders', () => {
    const folders = readdirSync(`${ROOT}deploy/kubernetes/overlays`).sort();
    assert.deepEqual(folders, [...MODES].sort());
  });
});
