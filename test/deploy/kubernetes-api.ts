import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { Manifest } from './render.js';

/** What the chart has, by the path of its group: Helm asks which kinds there are. */
const KINDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '/api/v1': { secrets: 'Secret', services: 'Service' },
  '/apis/apps/v1': { deployments: 'Deployment', statefulsets: 'StatefulSet' },
  '/apis/policy/v1': { poddisruptionbudgets: 'PodDisruptionBudget' },
};

/**
 * As much of a Kubernetes API server as Helm asks to render with what is there (`--dry-run=server`), in the namespace
 * `default`. There is no real one here. Gives its URL.
 */
export async function startKubernetesApi(
  t: Pick<TestContext, 'after'>,
  secrets: readonly Manifest[],
): Promise<string> {
  const groups = Object.keys(KINDS).flatMap((path) => {
    const [, , name, version] = path.split('/');
    if (version === undefined) return [];
    const only = { groupVersion: `${name}/${version}`, version };
    return [{ name, versions: [only], preferredVersion: only }];
  });
  const answers: Record<string, object> = {
    '/version': { major: '1', minor: '35', gitVersion: 'v1.35.0' },
    '/api': { kind: 'APIVersions', versions: ['v1'] },
    '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups },
  };
  for (const [path, kinds] of Object.entries(KINDS)) {
    const resources = Object.entries(kinds).map(([name, kind]) => {
      return { name, singularName: kind.toLowerCase(), namespaced: true, kind, verbs: ['get'] };
    });
    const groupVersion = path.replace(/^\/apis?\//, '');
    answers[path] = { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources };
  }
  for (const secret of secrets) {
    answers[`/api/v1/namespaces/default/secrets/${secret.metadata.name}`] = secret;
  }
  const server = createServer((request, response) => {
    const answer = answers[new URL(request.url ?? '', 'http://api').pathname];
    const missing = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 };
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? missing));
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
