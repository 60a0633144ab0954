import type { IncomingHttpHeaders } from 'node:http';

/** Header fields that browsers send and pages cannot suppress; no Nacos, curl or SDK sends one. */
const OF_BROWSERS = [
  'origin',
  'referer',
  'sec-fetch-site',
  'sec-fetch-dest',
  'sec-fetch-user',
  'upgrade-insecure-requests',
] as const;

/** All header fields that can identify a browser, some only by their value. */
export const BROWSER_FIELDS: readonly string[] = [
  ...OF_BROWSERS,
  'user-agent',
  'accept-language',
  'sec-fetch-mode',
];

/**
 * Whether a browser sent a request, for its user or for a page. An `<img>` on a plain-http page comes without
 * any Sec-Fetch field, and a page may suppress its Referer: the User-Agent and the language remain. A page
 * may set the language to `*`, as Node's fetch does, but cannot set the Sec-Fetch-Mode that Node's fetch
 * sends with it.
 */
export function isFromBrowser(headers: IncomingHttpHeaders): boolean {
  if (/^\s*(?:mozilla|opera)\//i.test(headers['user-agent'] ?? '')) return true;
  if (OF_BROWSERS.some((name) => headers[name] !== undefined)) return true;
  const mode = headers['sec-fetch-mode'];
  if (mode !== undefined && mode !== 'cors') return true;
  const language = headers['accept-language'];
  return language !== undefined && !(language === '*' && mode === 'cors');
}
