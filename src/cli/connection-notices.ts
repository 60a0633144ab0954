import { complain } from './command.js';
import type { Said } from './stream.js';

/** Reports on standard error when the connection is lost, why, and when it is back. */
export class ConnectionNotices {
  #isLost = false;

  tell(said: Said): void {
    if (said.type === 'lost') {
      this.#isLost = true;
      complain(`${said.reason} (trying again in ${(said.retryMs / 1_000).toFixed(1)} s)`);
    } else if (said.type === 'connected' && this.#isLost) {
      this.#isLost = false;
      complain('connected again');
    }
  }
}
