import { createConfig, lintFromString } from '@redocly/openapi-core';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_RULES, MAX_ADDRESSES } from '../../src/registry/rules.js';
import { openApiOf, type OpenApi } from '../../src/http/api/openapi.js';
import { DESCRIBED } from '../../src/http/api/routes.js';

/** Redocly's recommended rules, and those beyond them that find a slip in a document like this one. */
const CONFIG = await createConfig({
  extends: ['recommended-strict'],
  rules: {
    'component-name-unique': 'error',
    'no-enum-type-mismatch': 'error',
    'no-invalid-media-type-examples': 'error',
    'no-invalid-parameter-examples': 'error',
    'no-invalid-schema-examples': 'error',
    'no-required-schema-properties-undefined': 'error',
    'operation-description': 'error',
    'operation-parameters-unique': 'error',
    'operation-singular-tag': 'error',
    'operation-tag-defined': 'error',
    'parameter-description': 'error',
    'paths-kebab-case': 'error',
    'tag-description': 'error',
    // Who asks whether the server lives does nothing wrong, whatever it asks with.
    'operation-4xx-response': 'off',
  },
});

const DOCUMENT = openApiOf(DESCRIBED);

/** Each problem with its rule and where it is, sorted. */
async function problemsOf(document: OpenApi): Promise<string[]> {
  const problems = await lintFromString({ source: JSON.stringify(document), config: CONFIG });
  return problems
    .map(({ ruleId, message, location: [at] }) => `${ruleId}: ${message} ${at?.pointer ?? ''}`)
    .sort();
}

test('the OpenAPI document has nothing that its linter refuses', async () => {
  const described = DOCUMENT.paths['/api/v1/stream']?.get?.description ?? '';
  const problems = (await problemsOf(DOCUMENT)).filter((problem) => {
    // OpenAPI 3.1 has no place for what the messages of a stream hold; the description names their schemas.
    const [, unused] = /^no-unused-components: Component: "(\w+)"/.exec(problem) ?? [];
    return unused === undefined || !described.includes(`(${unused})`);
  });
  assert.deepEqual(problems, []);
});

test('the linter tells a second operation of one name, and an example that is not of its type', async () => {
  const slip = structuredClone(DOCUMENT) as OpenApi & {
    paths: Record<string, Record<string, { operationId: string; parameters: object[] }>>;
  };
  slip.paths['/healthz']!.get!.operationId = slip.paths['/readyz']!.get!.operationId;
  const parameters = slip.paths['/api/v1/clusters']!.get!.parameters;
  Object.assign(parameters.at(-1)!, { examples: { slip: { value: 'ten' } } });
  const problems = (await problemsOf(slip)).join('\n');
  assert.match(problems, /^operation-operationId-unique: /m);
  assert.match(problems, /^no-invalid-parameter-examples: /m);
});

test('how much is too much is said with the limits that hold, and what sets them', () => {
  for (const method of ['get', 'post'] as const) {
    const { description } = (
      DOCUMENT.paths['/{product}/{cluster}']?.[method] as {
        responses: Record<string, { description: string }>;
      }
    ).responses[507]!;
    for (const number of [MAX_ADDRESSES, DEFAULT_RULES.maxClusters, DEFAULT_RULES.maxAddresses])
      assert.ok(description.includes(number.toLocaleString('en-US')), description);
    assert.match(description, /\(MAX_CLUSTERS, .*\(MAX_ADDRESSES, /);
  }
});
