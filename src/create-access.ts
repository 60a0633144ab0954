import type { Logger } from 'pino';
import { ConfigError, type Config } from './config.js';
import { AccessControl } from './http/access/access-control.js';
import type { TrafficObserver } from './http/traffic.js';
import { SettingProblem } from './setting-problem.js';

/** Access control as it is configured; reads the token files. Throws {@link ConfigError}. */
export function createAccess({ access }: Config, log: Logger, traffic: TrafficObserver): AccessControl {
  try {
    return new AccessControl(access, log, (because) => traffic.refused(because));
  } catch (error) {
    if (!(error instanceof SettingProblem)) throw error;
    throw new ConfigError(error.message);
  }
}

/** Says so when a server that has just begun to listen lets others change lists than those with a token. */
export function warnOfOpenChanges({ changes }: AccessControl, { access }: Config, log: Logger): void {
  if (changes === 'open') {
    log.warn(
      'changes are open to everybody who reaches this port: AUTH_TOKEN or AUTH_TOKEN_FILE closes them',
    );
  } else if (access.mode === 'warn') {
    log.warn('AUTH_MODE=warn: changes without a valid token pass');
  }
}
