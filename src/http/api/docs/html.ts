import { escapeHtml, inline, markup } from './markdown.js';
import type { JsonSchema, OpenApi, Operation, Parameter, Response } from '../openapi.js';
import { statusText } from '../openapi.js';

/** Renders the OpenAPI document as a page: HTML without scripts, with a stylesheet of this server. */
export function pageOf(document: OpenApi): string {
  const { info, tags, paths, components } = document;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
  const sections = tags.map(({ name, description }) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(name));
    return `<section><h2 id="${escapeHtml(name)}">${escapeHtml(name)}</h2>${markup(description)}
${own.map((one) => operationHtml(one.method, one.path, one.operation)).join('\n')}</section>`;
  });
  const links = operations.map(
    ({ method, path, operation }) =>
      `<li><a href="#${escapeHtml(operation.operationId)}">${signature(method, path)}</a> ${inline(operation.summary)}</li>`,
  );
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) =>
      `<article id="schema-${escapeHtml(name)}"><h3>${escapeHtml(name)}</h3>${schemaHtml(schema)}</article>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(info.title)} ${escapeHtml(info.version)}: API</title>
<link rel="stylesheet" href="/api/style.css">
</head>
<body>
<header><h1>${escapeHtml(info.title)} <small>${escapeHtml(info.version)}</small></h1>
<p><a href="/openapi.json">openapi.json</a></p></header>
<main>
${markup(info.description)}
<nav aria-label="All requests"><ul>${links.join('\n')}<li><a href="#schemas">Schemas</a></li></ul></nav>
${sections.join('\n')}
<section><h2 id="schemas">Schemas</h2>
${schemas.join('\n')}</section>
</main>
</body>
</html>
`;
}

function operationHtml(method: string, path: string, operation: Operation): string {
  const { operationId, summary, description, parameters = [], responses } = operation;
  const samples = operation['x-codeSamples'].map(
    ({ label, source }) =>
      `<figure><figcaption>${inline(label)}</figcaption><pre><code>${escapeHtml(source)}</code></pre></figure>`,
  );
  return `<article id="${escapeHtml(operationId)}">
<h3>${signature(method, path)}</h3>
<p><strong>${inline(summary)}</strong></p>
${markup(description)}
${parameters.length === 0 ? '' : parametersHtml(parameters)}
${responsesHtml(responses)}
<h4>Examples</h4>
${samples.join('\n')}
</article>`;
}

function signature(method: string, path: string): string {
  return `<code><b>${escapeHtml(method.toUpperCase())}</b> ${escapeHtml(path)}</code>`;
}

function parametersHtml(parameters: readonly Parameter[]): string {
  const rows = parameters.map(
    ({ name, in: where, required, description, schema }) =>
      `<tr><th scope="row"><code>${escapeHtml(name)}</code></th><td>${where}${required ? '' : ', optional'}</td><td>${typeHtml(schema)}</td><td>${inline(description)}</td></tr>`,
  );
  return table('Parameters', ['Name', 'Where', 'Type', 'Meaning'], rows);
}

function responsesHtml(responses: Readonly<Record<string, Response>>): string {
  const rows = Object.entries(responses).map(([status, { description, content = {} }]) => {
    const media = Object.entries(content).map(
      ([type, { schema }]) => `<code>${escapeHtml(type)}</code> ${typeHtml(schema)}`,
    );
    const title = statusText(status);
    return `<tr><th scope="row">${escapeHtml(status)}${title === '' ? '' : ` ${escapeHtml(title)}`}</th><td>${inline(description)}</td><td>${media.join('<br>')}</td></tr>`;
  });
  return table('Answers', ['Status', 'Meaning', 'Body'], rows);
}

function schemaHtml(schema: JsonSchema): string {
  const { description, properties } = schema;
  const required = new Set(Array.isArray(schema.required) ? (schema.required as string[]) : []);
  const rows = Object.entries((properties ?? {}) as Record<string, JsonSchema>).map(
    ([name, property]) =>
      `<tr><th scope="row"><code>${escapeHtml(name)}</code></th><td>${typeHtml(property)}${required.has(name) ? '' : ', may be absent'}</td><td>${typeof property.description === 'string' ? inline(property.description) : ''}${exampleHtml(property)}</td></tr>`,
  );
  const about = typeof description === 'string' ? markup(description) : '';
  return about + table('Fields', ['Name', 'Type', 'Meaning'], rows);
}

function exampleHtml({ examples }: JsonSchema): string {
  if (!Array.isArray(examples)) return '';
  const shown = examples.map((example) => `<code>${escapeHtml(JSON.stringify(example))}</code>`);
  return ` <span class="example">For example ${shown.join(', ')}.</span>`;
}

/** A schema in a few words, with a link if it has a name. */
function typeHtml(schema: JsonSchema): string {
  const { type, $ref, items, minimum, maximum, pattern } = schema;
  if (typeof $ref === 'string') {
    const name = escapeHtml($ref.split('/').at(-1) ?? '');
    return `<a href="#schema-${name}">${name}</a>`;
  }
  if (type === 'array') return `list of ${typeHtml((items ?? {}) as JsonSchema)}`;
  const fallback =
    schema.default === undefined
      ? ''
      : `, <code>${escapeHtml(JSON.stringify(schema.default))}</code> without`;
  const values = schema.const === undefined ? schema.enum : [schema.const];
  if (Array.isArray(values)) {
    const words = values.map((value) => `<code>${escapeHtml(String(value))}</code>`);
    return words.join(' or ') + fallback;
  }
  const range =
    typeof minimum === 'number' && typeof maximum === 'number' && maximum < 1e15
      ? ` from ${minimum} to ${maximum}`
      : '';
  const form = typeof pattern === 'string' ? ` <code>${escapeHtml(pattern)}</code>` : '';
  return `${escapeHtml(typeof type === 'string' ? type : 'any')}${range}${form}${fallback}`;
}

function table(caption: string, head: readonly string[], rows: readonly string[]): string {
  const cells = head.map((name) => `<th scope="col">${name}</th>`);
  return `<div class="wide"><table><caption>${caption}</caption><thead><tr>${cells.join('')}</tr></thead><tbody>${rows.join('\n')}</tbody></table></div>`;
}
