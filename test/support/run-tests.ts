import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/**
 * Loads the test files of folders into this process, which then runs them one after the other: a process for each file
 * would load the same modules eighty times. A file still runs by itself with `node --test FILE`.
 *
 * `share` takes every nth file from the ith on, so that several processes divide a large folder.
 */
export async function runTests(
  folders: readonly string[],
  share: { readonly i: number; readonly of: number } = { i: 0, of: 1 },
): Promise<void> {
  const files = folders.flatMap((folder) => {
    const path = fileURLToPath(new URL(`../${folder}`, import.meta.url));
    return readdirSync(path)
      .filter((name) => name.endsWith('.test.js'))
      .sort()
      .map((name) => join(path, name));
  });
  const mine = files.filter((_, at) => at % share.of === share.i);
  if (mine.length === 0) throw new Error(`no tests in ${folders.join(', ')}`);
  for (const file of mine) await import(pathToFileURL(file).href);
}
