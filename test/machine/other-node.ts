import { join } from 'node:path';
import { ROOT, text } from './command.js';

/**
 * The folder of another Node.js, such as 24, whose better-sqlite3 has been compiled once, so that no install on it compiles
 * it again: npm's cache has it then (test/node/with).
 */
export async function otherNode(version: string): Promise<string> {
  await text(join(ROOT, 'test/node/with'), [version, 'true']);
  return text(join(ROOT, 'test/node/fetch'), [version]);
}
