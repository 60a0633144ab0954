import type { IncomingMessage } from 'node:http';

/**
 * A caller's token, from `Authorization: Bearer TOKEN`, or from Basic with any user name and the token as the
 * password.
 */
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
 * The challenge for a caller without a valid token (RFC 9110 §11.6.1). A program that sent a bearer token is
 * not offered Basic too, for which a browser would show its own dialog.
 */
export function challengeFor(request: IncomingMessage): string {
  const realm = 'realm="nacos-address-server"';
  return /^bearer\b/i.test(request.headers.authorization ?? '')
    ? `Bearer ${realm}, error="invalid_token"`
    : `Basic ${realm}, charset="UTF-8", Bearer ${realm}`;
}
