import { unexpandedIn } from '../registry/unexpanded.js';
import { ClientError } from './client-error.js';
import { toPrintable } from './plain.js';

const EXAMPLE = 'it is such as http://127.0.0.1:8080, 10.0.0.5:8080 or http://[::1]:8080';

/**
 * Reads a server's URL, which may have a path (of a proxy), or HOST:PORT for plain HTTP. `source` is where it
 * was given, `--server` or `ADDRESS_SERVER_URL`. Throws {@link ClientError}.
 */
export function parseServer(text: string, source: string): URL {
  const given = text.trim();
  // Do not repeat credentials and tokens, wherever they are.
  const shown = /[@?#]/.test(given) ? source : `${source}=${toPrintable(JSON.stringify(given))}`;
  // In a URL with credentials, a seeming variable may be part of the password.
  const unexpanded = given.includes('@') ? undefined : unexpandedIn(given);
  if (unexpanded !== undefined) throw new ClientError(`${shown} ${unexpanded}`);
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(given);
  if (!hasScheme && /^[^[/]*:[^/]*:/.test(given)) {
    throw new ClientError(`${shown} is IPv6 without brackets; ${EXAMPLE}`);
  }
  if (!hasScheme && !/^(\[[^\]]*\]|[^:/[\]]+):\d+(\/.*)?$/.test(given)) {
    throw new ClientError(`${shown} is neither a URL nor HOST:PORT; ${EXAMPLE}`);
  }
  let url: URL;
  try {
    url = new URL(hasScheme ? given : `http://${given}`);
  } catch {
    throw new ClientError(`${shown} is not a URL; ${EXAMPLE}`);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new ClientError(`${shown} is neither http:// nor https://; ${EXAMPLE}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new ClientError(
      `${shown} has a user or a password; give the server's token in the variable ADDRESS_SERVER_TOKEN`,
    );
  }
  if (url.search !== '' || url.hash !== '') {
    throw new ClientError(`${shown} has a query; only scheme, host, port and path belong there`);
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}
