import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import { packageVersion } from '../../util/package-info.js';
import { NAMED, problemDetails } from './schemas.js';
import { TAGS, type Described, type Example, type ResponseSpec, type Tag } from './route.js';

/** JSON Schema, draft 2020-12, as in OpenAPI 3.1. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required: boolean;
  readonly description: string;
  readonly schema: JsonSchema;
  readonly examples?: Readonly<Record<string, { readonly summary: string; readonly value: string | number }>>;
}

export interface Response {
  readonly description: string;
  readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>>;
}

/** An example as a command, in the form that readers of OpenAPI documents know (Redocly's x-codeSamples). */
export interface CodeSample {
  readonly lang: 'Shell';
  readonly label: string;
  readonly source: string;
  /** The status of the answer. */
  readonly 'x-status': number;
}

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly Tag[];
  readonly summary: string;
  readonly description: string;
  readonly parameters?: readonly Parameter[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly responses: Readonly<Record<string, Response>>;
  readonly 'x-codeSamples': readonly CodeSample[];
}

/** The part of OpenAPI 3.1.1 that is used here. */
export interface OpenApi {
  readonly openapi: '3.1.1';
  readonly info: {
    readonly title: string;
    readonly version: string;
    readonly description: string;
    readonly license: { readonly name: string; readonly identifier: string };
  };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: Tag; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly securitySchemes: Readonly<Record<string, Readonly<Record<string, string>>>>;
  };
}

const INTRODUCTION =
  'An address server that never harms a Nacos cluster. `/api/v1` is for operators and their programs; ' +
  '`/{product}/{cluster}` is what Nacos polls.\n\n' +
  '- Errors of the operators’ side are problem details (RFC 9457): `detail` says what was found, why it is refused and ' +
  'what to do.\n' +
  '- Answers may gain fields: ignore those that you do not know. Parameters that are unknown are refused.\n' +
  '- Lists come in pages: as long as there is a `next`, there is more.\n' +
  '- Changes can be waited for: `GET /api/v1/clusters/{product}/{cluster}` with `revision` and `wait` answers when the ' +
  'list changes, and `GET /api/v1/stream` reports everything as it happens.\n' +
  '- Where a token is needed, it is sent as `Authorization: Bearer TOKEN`, as the password of HTTP Basic, or to ' +
  '`/{product}/{cluster}` as `token=TOKEN`. Without any token on the server (`changes` is `local`) only its own machine may ' +
  'make changes here, and a node leaves from its own address; `AUTH_MODE=open` lets every caller (`open`).\n' +
  '- A browser must call the server by a name that it knows (`ALLOWED_HOSTS`).\n' +
  '- Whatever calls itself a Nacos node (`User-Agent: Java/…`) and does not ask for JSON gets no complete answer here, ' +
  'so that a node whose url is wrong does not take it for a list.';

const ACCESS: Readonly<Record<Described['access'], string>> = {
  none: '',
  any: 'Needs a token for reads, of any cluster, when the server demands one.',
  all: 'Needs a token for reads of all clusters when the server demands one.',
  read: 'Needs a token for reads of this cluster when the server demands one.',
  change:
    'Needs a token for changes of this cluster when the server demands one; when it has none (`changes` is `local`), to come from the server’s own machine.',
};

/** Builds the OpenAPI document of the described routes. */
export function openApiOf(described: readonly Described[]): OpenApi {
  const paths: Record<string, Record<string, Operation>> = {};
  for (const one of described) (paths[one.path] ??= {})[one.method] = operationOf(one);
  return {
    openapi: '3.1.1',
    info: {
      title: 'nacos-address-server',
      version: packageVersion(),
      description: INTRODUCTION,
      license: { name: 'Apache License 2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name: name as Tag, description })),
    paths,
    components: {
      schemas: namedSchemas(),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A token.' },
        basic: { type: 'http', scheme: 'basic', description: 'Any user name, and a token as the password.' },
        token: {
          type: 'apiKey',
          in: 'query',
          name: 'token',
          description: 'A token in the URL that Nacos polls.',
        },
      },
    },
  };
}

/** The path and query of an example's request. */
export function urlOf(path: string, { params = {}, query = {} }: Example): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => readable(params[name] ?? ''));
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${readable(value)}`);
  return pairs.length === 0 ? filled : `${filled}?${pairs.join('&')}`;
}

function operationOf(one: Described): Operation {
  const parameters = [...parametersOf('path', one), ...parametersOf('query', one)];
  return {
    operationId: one.name,
    tags: [one.tag],
    summary: one.summary,
    description: [one.description, ACCESS[one.access]].filter((text) => text !== '').join('\n\n'),
    ...(parameters.length === 0 ? {} : { parameters }),
    security: one.security ?? (one.access === 'none' ? [] : [{}, { bearer: [] }, { basic: [] }]),
    responses: responsesOf(one, parameters.length > 0),
    'x-codeSamples': one.examples.map((example) => ({
      lang: 'Shell',
      label: example.summary,
      source: curl(one, example),
      'x-status': example.status,
    })),
  };
}

function parametersOf(where: Parameter['in'], { params, query, examples }: Described): Parameter[] {
  return Object.entries((where === 'path' ? params : query)?.shape ?? {}).map(([name, field]) => {
    const { description, ...schema } = schemaOf(field as z.ZodType, 'input');
    const given = examples.flatMap((example) => {
      const value = (where === 'path' ? example.params : example.query)?.[name];
      if (value === undefined) return [];
      // Typed as in the schema, which may differ from the URL's text.
      const typed = schema.type === 'integer' ? Number(value) : value;
      return [[example.name, { summary: example.summary, value: typed }] as const];
    });
    return {
      name,
      in: where,
      required: !(field as z.ZodType).safeParse(undefined).success,
      description: String(description),
      schema,
      ...(given.length === 0 ? {} : { examples: Object.fromEntries(given) }),
    };
  });
}

function responsesOf(
  { responses, problems = {}, access, isOperators = true }: Described,
  hasParameters: boolean,
) {
  const common: Record<string, string> = {
    ...(hasParameters && isOperators ? { 400: 'A parameter is wrong: the detail names it.' } : {}),
    ...(access === 'none'
      ? {}
      : {
          401: 'A token is needed, or the one given is not valid.',
          403: 'The token is for another cluster; or there is none, and it comes from another machine than the server’s; or a browser calls the server by a name that is not in `ALLOWED_HOSTS`.',
          429: 'Too many changes, or requests that were refused, came from this address lately: see Retry-After.',
        }),
  };
  const refused = Object.entries({ ...common, ...problems }).map(([status, description]) => [
    status,
    isOperators ? { description, ...PROBLEM } : { description },
  ]);
  return {
    ...Object.fromEntries(Object.entries(responses).map(([status, spec]) => [status, responseOf(spec)])),
    ...(Object.fromEntries(refused) as Record<string, Response>),
    ...(isOperators
      ? { default: { description: 'Another problem, such as an unavailable store.', ...PROBLEM } }
      : {}),
  };
}

const PROBLEM = { content: { 'application/problem+json': { schema: reference(problemDetails) } } };

function responseOf({ description, type = 'application/json', schema, or = {} }: ResponseSpec): Response {
  const content = Object.entries({ [type]: schema, ...or }).map(([media, one]) => [
    media,
    { schema: reference(one) },
  ]);
  return { description, content: Object.fromEntries(content) as NonNullable<Response['content']> };
}

/** A reference to a named schema; any other schema itself. */
function reference(schema: z.ZodType): JsonSchema {
  const id = schema.meta()?.id;
  return id === undefined ? schemaOf(schema, 'output') : { $ref: refOf(id) };
}

function refOf(id: string): string {
  return `#/components/schemas/${id}`;
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io });
  return json;
}

function namedSchemas(): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string }>();
  for (const schema of NAMED) registry.add(schema, { id: schema.meta()?.id ?? '' });
  const { schemas } = z.toJSONSchema(registry, {
    uri: refOf,
    // Answers may gain fields.
    override: ({ jsonSchema }) => delete jsonSchema.additionalProperties,
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema: _s, $id: _i, ...schema }]) => [name, schema]),
  );
}

function curl({ method, path, responses }: Described, example: Example): string {
  const isStream = responses[example.status]?.type === 'text/event-stream';
  const how = { get: isStream ? '-N ' : '', head: '-I ', post: '-X POST ', delete: '-X DELETE ' }[method];
  return `curl ${how}'http://127.0.0.1:8080${urlOf(path, example)}'`;
}

/** Encodes only what must be encoded, for human readers. */
function readable(value: string): string {
  return encodeURIComponent(value).replace(/%(3A|2F|2C)/g, (code) => decodeURIComponent(code));
}

/** The status's reason phrase. */
export function statusText(status: string): string {
  return STATUS_CODES[status] ?? '';
}
