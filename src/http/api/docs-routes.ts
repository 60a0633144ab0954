import { z } from 'zod';
import { openApiOf, type OpenApi } from './openapi.js';
import { pageOf } from './docs/html.js';
import { route, type Described, type Route } from './route.js';
import { STYLE } from './docs/style.js';

/**
 * The routes that serve the API's description, which includes themselves. The document is built on first
 * request.
 */
export function descriptionRoutes(described: () => readonly Described[]): readonly Route[] {
  let made: { readonly document: OpenApi; readonly page: string } | undefined;
  const description = (): NonNullable<typeof made> => {
    if (!made) {
      const document = openApiOf(described());
      made = { document, page: pageOf(document) };
    }
    return made;
  };

  return [
    route({
      method: 'get',
      path: '/openapi.json',
      name: 'getOpenApi',
      tag: 'Description',
      summary: 'This description as an OpenAPI 3.1 document',
      description: 'Made from the schemas that judge the requests.',
      access: 'none',
      responses: { 200: { description: 'The document.', schema: z.looseObject({ openapi: z.string() }) } },
      examples: [{ name: 'document', summary: 'The document', status: 200 }],
      handle: () => ({ status: 200, body: { ...description().document } }),
    }),
    route({
      method: 'get',
      path: '/api',
      name: 'getDescription',
      tag: 'Description',
      summary: 'This description as a page',
      description: 'Made from the document, for people.',
      access: 'none',
      responses: { 200: { description: 'The page.', type: 'text/html;charset=UTF-8', schema: z.string() } },
      examples: [{ name: 'page', summary: 'The page', status: 200 }],
      handle: () => ({ status: 200, body: description().page }),
    }),
    route({
      method: 'get',
      path: '/api/style.css',
      name: 'getStyle',
      tag: 'Description',
      summary: 'How the page looks',
      description: 'Its stylesheet.',
      access: 'none',
      responses: {
        200: { description: 'The stylesheet.', type: 'text/css;charset=UTF-8', schema: z.string() },
      },
      examples: [{ name: 'style', summary: 'The stylesheet', status: 200 }],
      handle: () => ({ status: 200, body: STYLE }),
    }),
  ];
}
