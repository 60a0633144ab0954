import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A folder of the test's own, removed at its end. */
export function tempFolder(t: Pick<TestContext, 'after'>): string {
  const folder = mkdtempSync(join(tmpdir(), 'address-server-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  t.after(() => {
    try {
      remove();
    } catch {
      // A process that a later hook ends still writes there, and a hook that fails would keep that one from running.
      process.once('exit', remove);
    }
  });
  return folder;
}
