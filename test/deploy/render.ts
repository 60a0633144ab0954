import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

/** From dist/test/deploy. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The overlays that are Nacos clusters, and the chart's modes of the same names. */
export const MODES = ['poll', 'agent', 'statefulset'] as const;
export type Mode = (typeof MODES)[number];

/** What is rendered has this token, unless it is another one's to make it. */
export const TOKEN = 'b7Qd4xN2pVt9sKf0';

/*
 * Manifests as far as these tests look at them. That they are what these types say, the schemas prove.
 */

export interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string };
  readonly exec?: { readonly command: readonly string[] };
  readonly periodSeconds: number;
  readonly failureThreshold: number;
}

interface Security {
  readonly runAsNonRoot?: boolean;
  readonly readOnlyRootFilesystem?: boolean;
  readonly allowPrivilegeEscalation?: boolean;
  readonly capabilities?: { readonly drop: readonly string[] };
  readonly seccompProfile?: { readonly type: string };
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  restartPolicy?: string;
  readonly env?: readonly EnvEntry[];
  readonly envFrom?: readonly { readonly secretRef: { readonly name: string } }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly lifecycle?: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
  readonly resources: {
    readonly requests: { readonly cpu: string; readonly memory: string };
    readonly limits: { readonly memory: string };
  };
  readonly securityContext?: Security;
}

export interface Pod {
  readonly automountServiceAccountToken: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: Security;
  readonly topologySpreadConstraints: readonly { readonly labelSelector: { readonly matchLabels: Labels } }[];
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes?: readonly {
    readonly name: string;
    readonly secret?: {
      readonly secretName: string;
      readonly defaultMode?: number;
      readonly items?: readonly { readonly key: string; readonly path: string }[];
    };
  }[];
}

export type Labels = Readonly<Record<string, string>>;

export interface Spec {
  replicas?: number;
  readonly minReadySeconds?: number;
  readonly strategy?: { type: string };
  readonly podManagementPolicy?: string;
  readonly serviceName?: string;
  readonly clusterIP?: string;
  readonly maxUnavailable?: number;
  readonly ports: readonly { readonly port: number; readonly targetPort?: string }[];
  /** A Service's is the labels themselves. */
  selector?: Labels & { readonly matchLabels: Labels };
  readonly template: { readonly metadata: { readonly labels: Labels }; readonly spec: Pod };
  readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
}

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Labels };
  readonly spec: Spec;
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
}

export interface EnvEntry {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly fieldRef?: { readonly fieldPath: string };
    readonly secretKeyRef?: { readonly name: string; readonly key: string };
  };
}

const found = spawnSync('bash', [`${ROOT}test/deploy/fetch-tools`], { encoding: 'utf8' });

/** Why nothing can be rendered here; undefined when it can. */
export const missingTools: string | undefined =
  found.status === 0 ? undefined : `no kubectl and helm: ${found.stderr.trim()}`;

/** For node:test: why what needs them is skipped, or false. With DEPLOY_TESTS=required it fails instead. */
export const skipWithoutTools =
  process.env.DEPLOY_TESTS === 'required' || missingTools === undefined ? false : missingTools;

export interface Ran {
  readonly status: number | null;
  readonly output: string;
  readonly errors: string;
}

/** The program of this name. */
export function toolPath(name: 'kubectl' | 'helm'): string {
  assert.equal(missingTools, undefined);
  return `${found.stdout.trim()}/${name}/${name}`;
}

export function tool(name: 'kubectl' | 'helm', args: readonly string[]): Ran {
  const { status, stdout, stderr } = spawnSync(toolPath(name), args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return { status, output: stdout, errors: stderr };
}

function manifests(name: 'kubectl' | 'helm', args: readonly string[]): Manifest[] {
  const { status, output, errors } = tool(name, args);
  assert.equal(status, 0, errors);
  // Warnings are of things that will stop working.
  assert.equal(errors, '');
  return parseManifests(output);
}

export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

export const CHART = `${ROOT}deploy/helm/nacos-address-server`;

/** A copy of deploy/kubernetes in a folder that holds nothing else; in the repository there is no token. */
export function copyOfKubernetes(folder: string): string {
  const copy = join(folder, 'deploy/kubernetes');
  cpSync(`${ROOT}deploy/kubernetes`, copy, {
    recursive: true,
    filter: (source) => !source.endsWith('token.env'),
  });
  return copy;
}

/** What `kubectl apply -k deploy/kubernetes/…` would send, with {@link TOKEN} in token.env. */
export function kustomize(folder: string): Manifest[] {
  if (kubernetes === undefined) {
    const temporary = mkdtempSync(join(tmpdir(), 'address-server-'));
    process.once('exit', () => rmSync(temporary, { recursive: true, force: true }));
    kubernetes = copyOfKubernetes(temporary);
    writeFileSync(join(kubernetes, 'base/token.env'), `token=${TOKEN}\ntokens=nacos/serverlist:${TOKEN}\n`);
  }
  return manifests('kubectl', ['kustomize', join(kubernetes, folder)]);
}
let kubernetes: string | undefined;

/** An overlay, rendered once. */
export function overlay(mode: Mode): Manifest[] {
  let rendered = overlays.get(mode);
  if (rendered === undefined) overlays.set(mode, (rendered = kustomize(`overlays/${mode}`)));
  return rendered;
}
const overlays = new Map<Mode, Manifest[]>();

/** What the chart makes, with {@link TOKEN} unless `values` say otherwise. */
export function helm(mode: Mode | 'none', values = `tokens.token=${TOKEN}`): Manifest[] {
  return manifests('helm', ['template', 'nacos', CHART, '--set', `mode=${mode},${values}`]);
}

export function one(all: readonly Manifest[], kind: string, name: string): Manifest {
  const matching = all.filter((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  assert.equal(matching.length, 1, `${matching.length} of ${kind} ${name}`);
  return matching[0]!;
}

/** What runs pods. */
export function workloads(all: readonly Manifest[]): Manifest[] {
  return all.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet');
}

export function workload(all: readonly Manifest[], name: string): Manifest {
  const matching = workloads(all).filter(({ metadata }) => metadata.name === name);
  assert.equal(matching.length, 1, `${matching.length} workloads are called ${name}`);
  return matching[0]!;
}

/** A container of a workload, of whichever kind. */
export function container(manifest: Manifest, name: string): Container {
  const matching = containersOf(manifest).filter((candidate) => candidate.name === name);
  assert.equal(matching.length, 1, `${matching.length} containers are called ${name}`);
  return matching[0]!;
}

export function containersOf(manifest: Manifest): Container[] {
  const { initContainers = [], containers } = manifest.spec.template.spec;
  return [...initContainers, ...containers];
}

/** A container's environment as Kubernetes makes it: `fields` are the pod's, and Secrets are read from what is rendered. */
export function environment(
  all: readonly Manifest[],
  { env = [], envFrom = [] }: Pick<Container, 'env' | 'envFrom'>,
  fields: Readonly<Record<string, string>>,
): Record<string, string> {
  const result: Record<string, string> = {};
  for (const { secretRef } of envFrom) Object.assign(result, secret(all, secretRef.name));
  for (const { name, value, valueFrom } of env) {
    if (valueFrom?.fieldRef !== undefined) {
      const field = fields[valueFrom.fieldRef.fieldPath];
      assert.ok(field !== undefined, `${name}: the test gives no ${valueFrom.fieldRef.fieldPath}`);
      result[name] = field;
    } else if (valueFrom?.secretKeyRef !== undefined) {
      const { name: of, key } = valueFrom.secretKeyRef;
      const text = secret(all, of)[key];
      assert.ok(text !== undefined, `${name}: the Secret ${of} has no ${key}`);
      result[name] = text;
    } else {
      // A reference to what is not there, or not yet, is left as it stands.
      result[name] = (value ?? '').replace(/\$\((\w+)\)/g, (whole, other: string) => result[other] ?? whole);
    }
  }
  return result;
}

export function secret(all: readonly Manifest[], name: string): Record<string, string> {
  const { data = {}, stringData = {} } = one(all, 'Secret', name);
  const decoded = Object.entries(data).map(([key, text]) => [
    key,
    Buffer.from(text, 'base64').toString('utf8'),
  ]);
  return { ...(Object.fromEntries(decoded) as Record<string, string>), ...stringData };
}

/** What a file in a container holds that a Secret puts there. */
export function secretFile(
  all: readonly Manifest[],
  manifest: Manifest,
  { name: where, volumeMounts = [] }: Container,
  path: string,
): string {
  const mount = volumeMounts.find(({ mountPath }) => path.startsWith(`${mountPath}/`));
  assert.ok(mount, `${where} has nothing at ${path}`);
  const volume = manifest.spec.template.spec.volumes?.find(({ name }) => name === mount.name)?.secret;
  assert.ok(volume, `what ${where} has at ${path} is no Secret`);
  const item = volume.items?.find((one) => `${mount.mountPath}/${one.path}` === path);
  assert.ok(item, `${where}: the volume ${mount.name} has no ${path}`);
  const text = secret(all, volume.secretName)[item.key];
  assert.ok(text !== undefined, `${where}: the Secret ${volume.secretName} has no ${item.key}`);
  return text;
}
