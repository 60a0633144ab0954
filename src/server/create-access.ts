import type { Logger } from 'pino';
import { ConfigError, type Config } from '../config/config.js';
import { AccessControl } from '../http/access/access-control.js';
import type { TrafficObserver } from '../http/http-observer.js';
import type { Names } from '../probe/names.js';
import { SettingProblem } from '../config/setting-problem.js';

/** Creates access control from the configuration; reads the token files. Throws {@link ConfigError}. */
export function createAccess(
  { access }: Config,
  log: Logger,
  traffic: TrafficObserver,
  names: Names,
): AccessControl {
  try {
    return new AccessControl(access, log, (because) => traffic.refused(because), names);
  } catch (error) {
    if (!(error instanceof SettingProblem)) throw error;
    throw new ConfigError(error.message);
  }
}

/**
 * Logs which callers may change lists, if changes do not need a token. Called when the server begins to
 * listen.
 */
export function warnOfOpenChanges({ changes }: AccessControl, { access }: Config, log: Logger): void {
  if (changes === 'open') {
    log.warn(
      'AUTH_MODE=open: every caller that reaches this port may change lists; AUTH_TOKEN or AUTH_TOKEN_FILE restricts that',
    );
  } else if (changes === 'local') {
    log.warn(
      'there is no token (AUTH_TOKEN): members register and leave by themselves, and operators can act only from this machine',
    );
  } else if (access.mode === 'warn') {
    log.warn('AUTH_MODE=warn: changes without a valid token pass');
  }
}
