import type { IncomingMessage } from 'node:http';

/** A caller's token, from `Authorization: Bearer TOKEN`, or Basic with any user name and the token as the password. */
export function headerToken(request: IncomingMessage): string | undefined {
  const [scheme = '', value = ''] = (request.headers.authorization ?? '').trim().split(/\s+/, 2);
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return value;
    case 'basic': {
      const pair = Buffer.from(value, 'base64').toString('utf8');
      return pair.slice(pair.indexOf(':') + 1);
    }
    default:
      return undefined;
  }
}

/**
 * What a caller is asked for (RFC 9110 §11.6.1). A program that offered a bearer token is not asked for Basic too: a
 * browser would show its own dialog for that.
 */
export function challengeFor(request: IncomingMessage): string {
  const realm = 'realm="nacos-address-server"';
  return /^bearer\b/i.test(request.headers.authorization ?? '')
    ? `Bearer ${realm}, error="invalid_token"`
    : `Basic ${realm}, charset="UTF-8", Bearer ${realm}`;
}
