import type { NextFunction, Request, Response } from 'express';
import helmet, { type HelmetOptions } from 'helmet';
import { isOfPage } from './ui-assets.js';

type Directives = Readonly<Record<string, readonly string[]>>;

const COMMON: HelmetOptions = {
  // The server speaks plain http; a TLS proxy in front of it decides about this.
  strictTransportSecurity: false,
  crossOriginResourcePolicy: { policy: 'same-origin' },
  referrerPolicy: { policy: 'no-referrer' },
  xFrameOptions: { action: 'deny' },
  // Browsers accept these only over https, and complain otherwise.
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  // For obsolete browsers, or of no use here.
  xDnsPrefetchControl: false,
  xXssProtection: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
};

/** For responses that no browser should display or execute. */
const forData = withPolicy({ 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] });

/** For the page: allows its own files and this server, and nothing inline. */
const forPages = withPolicy({
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'connect-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
});

/**
 * Sets the security headers of the operators' side. The Nacos side and the official API have none: their
 * responses equal those of the official server, byte for byte, and no browser displays them.
 */
export function securityHeaders(request: Request, response: Response, next: NextFunction): void {
  const { path } = request;
  if (isOfPage(path) || path === '/api' || path === '/api/style.css') {
    return forPages(request, response, next);
  }
  if (path === '/openapi.json' || path === '/metrics' || path === '/api/v1' || path.startsWith('/api/v1/')) {
    return forData(request, response, next);
  }
  next();
}

function withPolicy(directives: Directives): ReturnType<typeof helmet> {
  const policy = Object.fromEntries(
    Object.entries(directives).map(([name, sources]) => [name, [...sources]]),
  );
  return helmet({ ...COMMON, contentSecurityPolicy: { useDefaults: false, directives: policy } });
}
