import type { IncomingHttpHeaders } from 'node:http';

/** Header fields that browsers send, and pages cannot keep from being sent; no Nacos, curl or SDK sends one. */
const OF_BROWSERS = [
  'origin',
  'referer',
  'sec-fetch-site',
  'sec-fetch-dest',
  'sec-fetch-user',
  'upgrade-insecure-requests',
] as const;

/** Header fields that may say so by what they hold. */
export const BROWSER_FIELDS: readonly string[] = [
  ...OF_BROWSERS,
  'user-agent',
  'accept-language',
  'sec-fetch-mode',
];

/**
 * Whether a browser sent a request, be it for its user or for a page that he visits. An `<img>` of a page on a plain-http
 * name comes with no Sec-Fetch field at all, and a page may keep back its Referer: the User-Agent and the language remain.
 * A page may set the language to `*`, as Node's fetch does, but not the Sec-Fetch-Mode that Node's fetch sends with it.
 */
export function isFromBrowser(headers: IncomingHttpHeaders): boolean {
  if (/^\s*(?:mozilla|opera)\//i.test(headers['user-agent'] ?? '')) return true;
  if (OF_BROWSERS.some((name) => headers[name] !== undefined)) return true;
  const mode = headers['sec-fetch-mode'];
  if (mode !== undefined && mode !== 'cors') return true;
  const language = headers['accept-language'];
  return language !== undefined && !(language === '*' && mode === 'cors');
}
