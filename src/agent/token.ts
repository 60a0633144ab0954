import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';

/**
 * The token to send: the given one, or the current contents of a file, so that the next heartbeat uses a
 * rotated one. A file that cannot be read changes nothing.
 */
export function tokenOf(
  given: string | undefined,
  file: string | undefined,
  check: (text: string, source: string) => string | undefined,
  log: Logger,
): () => string | undefined {
  if (file === undefined) return () => given;
  let last: string | undefined;
  let said: string | undefined;
  return () => {
    try {
      last = check(firstWord(readFileSync(file, 'utf8')), file);
      said = undefined;
    } catch (error) {
      const { message } = error as Error;
      if (message !== said) log.error({ file }, `the token file cannot be used: ${message}`);
      said = message;
    }
    return last;
  };
}

/**
 * Reads a token file in the server's format: `#` starts a comment, and the first word is the token that is
 * sent.
 */
function firstWord(text: string): string {
  return (
    text
      .replace(/^\uFEFF/, '')
      .replace(/#.*$/gm, '')
      .trim()
      .split(/\s+/)[0] ?? ''
  );
}
