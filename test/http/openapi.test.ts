import { Validator } from '@seriousme/openapi-schema-validator';
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { z } from 'zod';
import { NAMED, streamSnapshot } from '../../src/http/api/schemas.js';
import type { CodeSample, OpenApi, Response } from '../../src/http/api/openapi.js';
import { eventually } from '../support/eventually.js';
import { bootstrapCluster, live, pollPath, type NacosNode } from '../support/nodes.js';
import { ask, CURL, getJson, JSON_CLIENT, NACOS, RawConnection, request } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';

const A = '10.0.0.5:8848';
const B = '10.0.0.6:8848';
const C = '10.0.0.7:8848';

const SCHEMAS = new Map(NAMED.map((schema): [string, z.ZodType] => [schema.meta()?.id ?? '', schema]));

const documentOf = (server: TestServer): Promise<OpenApi> => getJson<OpenApi>(server, '/openapi.json');

interface Scene {
  readonly server: TestServer;
  readonly nodes: readonly NacosNode[];
}

/** What the examples are about: three members, and somebody who waits elsewhere. */
async function scene(t: TestContext): Promise<Scene> {
  const server = await startServer(t);
  const nodes = await bootstrapCluster(t, server, [A, B, C]);
  await ask(server, 'POST', '/nacos/other?self=10.0.1.5&expect=3');
  return { server, nodes };
}

/** What must be so before an operation's examples, if not just that. */
const BEFORE: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  // 10.0.0.5 is gone.
  removeMember: ({ server, nodes }) => {
    server.probe.answers.set(A, 'unreachable');
    return live(server, nodes.slice(1), 40_000);
  },
  // Two of the three were put, and 10.0.0.7 is silent.
  adoptMembers: async ({ server, nodes }) => {
    await ask(server, 'POST', `/nacos/v1/as/nodes?ips=${B},${C}`);
    await live(server, nodes.slice(0, 2), 20_000);
  },
  recoverCluster: async ({ server, nodes }) => {
    for (const gone of [B, C]) server.probe.answers.set(gone, 'refused');
    await live(server, nodes.slice(0, 1), 20_000);
    await ask(server, 'GET', pollPath('10.0.0.8:8848'), NACOS);
  },
};

/** While an example waits for others, they poll and time passes. */
async function whileLiving<T>({ server, nodes }: Scene, work: Promise<T>): Promise<T> {
  let isOver = false;
  const done = work.finally(() => (isOver = true));
  const living = (async () => {
    for (let i = 0; !isOver; i++) {
      await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 50))]);
      if (isOver) return;
      await server.pass(1_000);
      if (i % 4 === 0) await Promise.all(nodes.map((node) => node.poll()));
    }
  })();
  await living;
  return done;
}

interface Sample extends CodeSample {
  readonly operationId: string;
  readonly method: string;
  readonly responses: Readonly<Record<string, Response>>;
}

function samplesOf(document: OpenApi): Sample[] {
  return Object.values(document.paths).flatMap((methods) =>
    Object.entries(methods).flatMap(([method, { operationId, responses, ...operation }]) =>
      operation['x-codeSamples'].map((sample) => ({ ...sample, operationId, method, responses })),
    ),
  );
}

/** What a command asks for. */
function read(source: string): { method: string; path: string; isStream: boolean } {
  const command = /^curl (?:(-N)|(-I)|-X ([A-Z]+))? ?'http:\/\/127\.0\.0\.1:8080(\/[^']*)'$/.exec(source);
  assert.ok(command, source);
  const [, stream, head, method = 'GET', path = ''] = command;
  return { method: head ? 'HEAD' : method, path, isStream: stream !== undefined };
}

/** The body is what the document says of the status and the media type. */
function assertDescribed(response: Response | undefined, type: string | undefined, body: string): void {
  assert.ok(response, 'the status is described');
  const media = type?.replace(/;.*/, '');
  const described = Object.entries(response.content ?? {}).find(
    ([name]) => name.replace(/;.*/, '') === media,
  );
  assert.ok(described, `${type} is described`);
  const { $ref } = described[1].schema;
  if (typeof $ref !== 'string') return;
  const schema = SCHEMAS.get($ref.replace('#/components/schemas/', ''));
  assert.ok(schema, $ref);
  schema.parse(JSON.parse(body));
}

test('the document is OpenAPI 3.1', async (t) => {
  const document = await documentOf(await startServer(t));
  const { valid, errors } = await new Validator().validate({ ...document });
  assert.ok(valid, JSON.stringify(errors));
  assert.equal(document.openapi, '3.1.1');
});

test('every schema and parameter is described, and every reference has its schema', async (t) => {
  const document = await documentOf(await startServer(t));
  for (const [name, { description, properties }] of Object.entries(document.components.schemas)) {
    assert.ok(description, name);
    for (const [field, property] of Object.entries(properties as Record<string, Record<string, unknown>>)) {
      const isNamed = '$ref' in property || (property.items as Record<string, unknown> | undefined)?.$ref;
      assert.ok(property.description ?? isNamed, `${name}.${field}`);
    }
  }
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, { parameters = [] }] of Object.entries(methods)) {
      for (const { name, description } of parameters) {
        assert.ok(description !== 'undefined' && description !== '', `${method} ${path} ${name}`);
      }
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const given = parameters.filter((one) => one.in === 'path').map(({ name }) => name);
      assert.deepEqual(given, inPath, path);
    }
  }
  for (const [, name] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
    assert.ok(document.components.schemas[name ?? ''], name);
  }
});

test('parameters are described as they are judged', async (t) => {
  const document = await documentOf(await startServer(t));
  const { parameters = [] } = document.paths['/api/v1/clusters']!.get!;
  assert.deepEqual(
    parameters.map(({ name, required, schema }) => [name, required, schema]),
    [
      ['after', false, { type: 'string' }],
      ['limit', false, { type: 'integer', minimum: 1, maximum: 1_000, default: 100 }],
    ],
  );
  const list = document.paths['/{product}/{cluster}']!;
  const schemaOf = (method: string, wanted: string) =>
    list[method]!.parameters!.find(({ name }) => name === wanted)!;
  assert.deepEqual(schemaOf('get', 'expect').schema, {
    type: 'integer',
    minimum: 1,
    maximum: 99,
  });
  assert.equal(schemaOf('get', 'self').required, false);
  assert.equal(schemaOf('delete', 'self').required, true);
});

describe('every example is answered as described', { concurrency: 4 }, () => {
  test('and there is one for each request', async (t) => {
    const document = await documentOf(await startServer(t));
    for (const methods of Object.values(document.paths)) {
      for (const { operationId, ...operation } of Object.values(methods)) {
        assert.ok(operation['x-codeSamples'].length > 0, operationId);
      }
    }
    const asked = new Set(samplesOf(document).map(({ operationId }) => operationId));
    for (const name of Object.keys(BEFORE)) assert.ok(asked.has(name), name);
  });

  test('by a server with members', async (t) => {
    const samples = samplesOf(await documentOf(await startServer(t)));
    for (const { operationId, label, source, 'x-status': status, responses } of samples) {
      await t.test(`${operationId}: ${label}`, async (t) => {
        const { method, path, isStream } = read(source);
        const set = await scene(t);
        await BEFORE[operationId]?.(set);
        if (isStream) return assertStreams(set.server, path);
        const { port } = set.server;
        const connection = await RawConnection.open(port);
        t.after(() => connection.hangUp());
        connection.send(request(method, path, CURL));
        const answer = await whileLiving(
          set,
          connection.receive({ head: method === 'HEAD', timeout: 20_000 }),
        );
        assert.equal(answer.status, status, answer.body);
        assertDescribed(responses[status], answer.headers.get('content-type'), answer.body);
      });
    }
  });
});

/** The first message is a snapshot. */
async function assertStreams(server: TestServer, path: string): Promise<void> {
  const connection = await RawConnection.open(server.port);
  let received = '';
  connection.socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
  connection.send(request('GET', path, CURL));
  const data = await eventually(
    'the snapshot',
    () => /\nevent: snapshot\ndata: (.*)\n\n/.exec(received)?.[1],
  );
  assert.match(received, /^HTTP\/1\.1 200 OK\r\n(?:.+\r\n)*Content-Type: text\/event-stream\r\n/);
  const { clusters } = streamSnapshot.parse(JSON.parse(data));
  assert.equal(clusters.length, 2);
  connection.hangUp();
  await eventually('it is forgotten', () => server.server.feed.listeners === 0);
}

test('every problem is as described', async (t) => {
  const { server } = await scene(t);
  const { paths } = await documentOf(server);
  const cluster = '/api/v1/clusters/{product}/{cluster}';
  for (const [method, template, path, status] of [
    ['get', '/api/v1/clusters', '/api/v1/clusters?limit=0', 400],
    ['get', cluster, '/api/v1/clusters/nacos/none', 404],
    ['get', cluster, '/api/v1/clusters/api/x', 400],
    ['get', '/api/v1/events', '/api/v1/events?before=x', 400],
    ['get', '/api/v1/stream', '/api/v1/stream?cluster=nacos', 400],
    ['get', '/api/v1/stream', '/api/v1/stream?after=1~x', 400],
    ['post', `${cluster}/recover`, '/api/v1/clusters/nacos/serverlist/recover', 409],
    ['post', `${cluster}/recover`, '/api/v1/clusters/nacos/none/recover', 404],
    ['post', `${cluster}/adopt`, '/api/v1/clusters/nacos/none/adopt', 404],
    ['get', `${cluster}/health`, '/api/v1/clusters/nacos/none/health', 404],
    ['get', `${cluster}/repair`, '/api/v1/clusters/nacos/none/repair', 404],
    ['get', `${cluster}/repair`, '/api/v1/clusters/nacos/serverlist/repair?survivor=a:b:c', 400],
    ['post', `${cluster}/repair`, '/api/v1/clusters/nacos/none/repair?plan=x', 404],
    ['post', `${cluster}/repair`, '/api/v1/clusters/nacos/serverlist/repair', 400],
    ['get', `${cluster}/members/{address}`, '/api/v1/clusters/nacos/serverlist/members/10.0.0.9', 404],
    [
      'get',
      `${cluster}/members/{address}`,
      '/api/v1/clusters/nacos/other/members/10.0.1.5?settled=true',
      409,
    ],
    ['delete', `${cluster}/members/{address}`, '/api/v1/clusters/nacos/serverlist/members/10.0.0.9', 404],
    ['delete', `${cluster}/members/{address}`, '/api/v1/clusters/nacos/serverlist/members/a:b:c', 400],
  ] as const) {
    const answer = await ask(server, method.toUpperCase(), path, JSON_CLIENT);
    assert.equal(answer.status, status, `${path}: ${answer.body}`);
    const { responses } = paths[template]![method]!;
    assertDescribed(responses[status], answer.headers.get('content-type'), answer.body);
  }
});

test('the page shows every request, parameter and example, without a script', async (t) => {
  const server = await startServer(t);
  const document = await documentOf(server);
  const { headers, body } = await ask(server, 'GET', '/api', CURL);
  assert.equal(headers.get('content-type'), 'text/html;charset=UTF-8');
  assert.ok(!/<script|<style|\sstyle=|\son\w+=|javascript:/i.test(body));
  const shown = body.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));
  for (const { source, operationId } of samplesOf(document)) {
    assert.ok(shown.includes(source), source);
    assert.ok(body.includes(`<article id="${operationId}">`));
  }
  for (const path of Object.keys(document.paths)) assert.ok(shown.includes(path), path);
  for (const name of Object.keys(document.components.schemas)) {
    assert.ok(body.includes(`<article id="schema-${name}">`), name);
  }
  const [, href] = /<link rel="stylesheet" href="([^"]+)">/.exec(body)!;
  const style = await ask(server, 'GET', href!, CURL);
  assert.deepEqual([style.status, style.headers.get('content-type')], [200, 'text/css;charset=UTF-8']);
  for (const [, target] of body.matchAll(/href="#([^"]+)"/g)) {
    assert.ok(body.includes(`id="${target}"`), `#${target} is there`);
  }
});

test('what calls itself a Nacos node gets nothing complete from the operators’ side', async (t) => {
  const { server } = await scene(t);
  for (const path of ['/api', '/openapi.json', '/api/v1/clusters', '/api/v1/events', '/api/v1/stream']) {
    const node = await ask(server, 'GET', path, NACOS);
    assert.deepEqual([node.status, node.complete], [302, false], path);
    const program = [...NACOS.filter((line) => !line.startsWith('Accept:')), 'Accept: application/json'];
    if (path !== '/api/v1/stream') assert.equal((await ask(server, 'GET', path, program)).status, 200, path);
  }
});
