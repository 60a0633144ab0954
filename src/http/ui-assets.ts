import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Access } from './access/access.js';
import { callsItselfNacos } from './user-agent.js';
import { cutShort, refuseMethod, sendProblem } from './reply.js';

/** Where `npm run build` puts the files for browsers. */
const BUILT = new URL('../page/', import.meta.url);

/** Whether a path is the page's, or that of a file that any version of it loads. */
export function isOfPage(path: string): boolean {
  return path === '/' || /^\/(app|favicon)-[0-9a-f]{12}\.(js|css|svg)$/.test(path);
}

/** One file of the page, in memory. */
interface Asset {
  readonly type: string;
  readonly cacheControl: string;
  readonly plain: Buffer;
  readonly gzip: Buffer;
}

/**
 * Serves the operators' page at `/` and the files that it loads. The files' names have one segment, so they
 * never collide with a list, and include a hash of the contents, so browsers may cache them for ever. Only
 * `/` needs the permission to read: the files are the same for every caller.
 */
export function operatorsPage(access: Access): RequestHandler {
  const assets = readAssets();
  return (request: Request, response: Response, next: NextFunction): void => {
    const { path, method } = request;
    const asset = assets.get(path);
    if (!asset && path !== '/') return next();
    if (method !== 'GET' && method !== 'HEAD') return refuseMethod(request, response, 'GET, HEAD');
    if (callsItselfNacos(request)) {
      const sentence =
        'this is a page for people; a list is at /{product}/{cluster}, usually /nacos/serverlist';
      return cutShort(response, sentence, 'astray', 'astray');
    }
    const refused = path === '/' ? access.refuseRead(request, 'any') : undefined;
    if (refused) return sendProblem(response, refused);
    if (asset) return sendAsset(request, response, asset);
    sendProblem(response, {
      status: 503,
      detail: 'the page is not built; run npm run build and start again',
    });
  };
}

function sendAsset(request: Request, response: Response, asset: Asset): void {
  const takesGzip = /\bgzip\b/i.test(request.get('Accept-Encoding') ?? '');
  const body = takesGzip ? asset.gzip : asset.plain;
  response.writeHead(200, {
    'Content-Type': asset.type,
    'Content-Length': body.length,
    'Cache-Control': asset.cacheControl,
    Vary: 'Accept-Encoding',
    ...(takesGzip ? { 'Content-Encoding': 'gzip' } : {}),
  });
  response.end(body);
}

/** All files by path; empty if only the compiler has run. */
function readAssets(): ReadonlyMap<string, Asset> {
  const assets = new Map<string, Asset>();
  const add = (path: string, type: string, content: Buffer, cacheControl: string): string => {
    assets.set(path, { type, cacheControl, plain: content, gzip: gzipSync(content) });
    return path.slice(1);
  };
  const addHashed = (name: string, extension: string, type: string, content: Buffer): string => {
    const hash = createHash('sha256').update(content).digest('hex').slice(0, 12);
    return add(`/${name}-${hash}.${extension}`, type, content, 'public, max-age=31536000, immutable');
  };
  try {
    const read = (name: string): Buffer => readFileSync(new URL(name, BUILT));
    const script = addHashed('app', 'js', 'text/javascript;charset=UTF-8', read('app.js'));
    const style = addHashed('app', 'css', 'text/css;charset=UTF-8', read('app.css'));
    const icon = addHashed('favicon', 'svg', 'image/svg+xml', read('favicon.svg'));
    add('/', 'text/html;charset=UTF-8', Buffer.from(html({ script, style, icon })), 'no-cache');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    assets.clear();
  }
  return assets;
}

/** All URLs are relative, since the page may be served under a prefix. */
function html({ script, style, icon }: { script: string; style: string; icon: string }): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Nacos address server</title>
    <link rel="icon" href="${icon}" type="image/svg+xml">
    <link rel="stylesheet" href="${style}">
    <script src="${script}" defer></script>
  </head>
  <body>
    <div id="page"></div>
    <noscript>This page needs JavaScript. The same is in the API, see <a href="api">/api</a>, and on the command line.</noscript>
  </body>
</html>
`;
}
